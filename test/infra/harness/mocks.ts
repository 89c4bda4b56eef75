/** @module What AWS would answer, as far as the program needs it: everything else is echoed from what was asked for. */

export const ACCOUNT = "123456789012";

type Inputs = Readonly<Record<string, unknown>>;

interface Asked {
  readonly type: string;
  readonly name: string;
  readonly inputs: Inputs;
  readonly id?: string;
}

export function createMocks(region: string) {
  return {
    newResource({ type, name, inputs, id: given }: Asked): { id: string; state: Inputs } {
      const named = text(inputs.name) ?? name;
      const id =
        given ||
        (type === "aws:s3/bucket:Bucket" ? text(inputs.bucket) : undefined) ||
        `${name}-id`.toLowerCase();
      return { id, state: { ...inputs, name: named, ...invented(type, named, id, inputs, region) } };
    },
    /** @throws for a look-up that is not listed: a gap must be loud */
    call({ token, inputs }: { token: string; inputs: Inputs }): Inputs {
      switch (token) {
        case "aws:index/getCallerIdentity:getCallerIdentity":
          return {
            accountId: ACCOUNT,
            arn: `arn:aws:iam::${ACCOUNT}:user/test`,
            userId: "test",
            id: ACCOUNT,
          };
        case "aws:index/getRegion:getRegion":
          return { region, name: region, id: region, description: "" };
        case "aws:index/getPartition:getPartition":
          return {
            partition: "aws",
            dnsSuffix: "amazonaws.com",
            id: "aws",
            reverseDnsPrefix: "com.amazonaws",
          };
        case "aws:iam/getPolicyDocument:getPolicyDocument": {
          const json = JSON.stringify(policyDocument(inputs));
          const statements = inputs.statements as readonly unknown[] | undefined;
          // The provider leaves an empty list out, and SST's functions rely on that.
          return { ...inputs, statements: statements?.length ? statements : undefined, id: "policy", json };
        }
        default:
          throw new Error(
            `The program asks AWS for ${token}, which test/infra/harness/mocks.ts does not answer yet.`,
          );
      }
    },
  };
}

/** Attributes that only AWS knows. */
function invented(type: string, named: string, id: string, inputs: Inputs, region: string): Inputs {
  const arn = (service: string, rest: string, where = region) =>
    `arn:aws:${service}:${where}:${ACCOUNT}:${rest}`;
  switch (type) {
    case "aws:s3/bucket:Bucket":
      return { arn: `arn:aws:s3:::${id}`, bucket: id, region };
    case "aws:iam/role:Role":
      return { arn: arn("iam", `role/${named}`, "") };
    case "aws:lambda/function:Function":
      return { arn: arn("lambda", `function:${named}`), invokeArn: `invoke:${named}`, version: "$LATEST" };
    case "aws:sfn/stateMachine:StateMachine":
      return { arn: arn("states", `stateMachine:${named}`) };
    case "aws:dynamodb/table:Table":
      return { arn: arn("dynamodb", `table/${named}`) };
    case "aws:sqs/queue:Queue":
      return { arn: arn("sqs", named), url: `https://sqs.${region}.amazonaws.com/${ACCOUNT}/${named}` };
    case "aws:kms/key:Key":
      return { arn: arn("kms", `key/${id}`), keyId: id };
    case "aws:cloudwatch/eventBus:EventBus":
      return { arn: arn("events", `event-bus/${named}`) };
    case "aws:cloudwatch/logGroup:LogGroup":
      return { arn: arn("logs", `log-group:${named}`) };
    case "aws:apigatewayv2/api:Api":
      return {
        arn: arn("apigateway", `/apis/${id}`),
        apiEndpoint: `https://${id}.execute-api.${region}.amazonaws.com`,
        executionArn: arn("execute-api", id),
      };
    default:
      return type.startsWith("aws:")
        ? { arn: arn(type.split(/[:/]/)[1] ?? "", named) }
        : randomBytes(type, inputs);
  }
}

function randomBytes(type: string, inputs: Inputs): Inputs {
  if (!type.startsWith("random:index/randomBytes")) return {};
  const bytes = Buffer.alloc(Number(inputs.length ?? 32), 7);
  return { base64: bytes.toString("base64"), hex: bytes.toString("hex") };
}

interface Statement {
  readonly effect?: string;
  readonly principals?: readonly { readonly type: string; readonly identifiers: readonly string[] }[];
  readonly actions?: readonly string[];
  readonly resources?: readonly string[];
  readonly conditions?: readonly {
    readonly test: string;
    readonly variable: string;
    readonly values: unknown;
  }[];
}

function policyDocument(inputs: Inputs) {
  return {
    Version: "2012-10-17",
    Statement: ((inputs.statements ?? []) as readonly Statement[]).map((statement) => ({
      Effect: statement.effect ?? "Allow",
      ...(statement.principals && { Principal: principalOf(statement.principals) }),
      ...(statement.actions && { Action: statement.actions }),
      ...(statement.resources && { Resource: statement.resources }),
      ...(statement.conditions && { Condition: conditionOf(statement.conditions) }),
    })),
  };
}

function principalOf(principals: NonNullable<Statement["principals"]>) {
  if (principals.some(({ type }) => type === "*")) return "*";
  return Object.fromEntries(principals.map(({ type, identifiers }) => [type, identifiers]));
}

function conditionOf(conditions: NonNullable<Statement["conditions"]>) {
  const tests: Record<string, Record<string, unknown>> = {};
  for (const { test, variable, values } of conditions) {
    tests[test] = { ...tests[test], [variable]: values };
  }
  return tests;
}

function text(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
