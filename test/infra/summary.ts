/** @module The graph as a page that a reviewer reads: what exists, who may do what, what fires when. */
import {
  all,
  type Graph,
  grantsOf,
  list,
  type PolicyStatement,
  type Resource,
  statementsOf,
} from "./harness/graph.ts";

export function summaryOf(graph: Graph): string {
  const sections: [string, string[]][] = [
    ["Functions", all(graph, "lambda/function:Function").map((lambda) => functionLine(lambda, graph))],
    ["Permissions", all(graph, "iam/role:Role").flatMap(roleLines)],
    ["Schedules", all(graph, "scheduler/schedule:Schedule").map(wholeLine)],
    ["Alarms", all(graph, "cloudwatch/metricAlarm:MetricAlarm").map(wholeLine)],
    ["Storage", storageLines(graph)],
    ["Entrance", entranceLines(graph)],
    ["Resources", resourceLines(graph)],
  ];
  const text = sections.map(([title, lines]) => `${title}\n${lines.map((line) => `  ${line}\n`).join("")}`);
  return shortened(text.join("\n"));
}

/** What a graph that is meant to be the same has otherwise, line by line. */
export function differences(from: string, to: string): string {
  const [before, after] = [from, to].map((text) => new Set(text.split("\n")));
  const only = (lines: Set<string> | undefined, others: Set<string> | undefined, sign: string) =>
    [...(lines ?? [])].filter((line) => !others?.has(line)).map((line) => `${sign}${line}\n`);
  return [...only(before, after, "-"), ...only(after, before, "+")].join("");
}

function functionLine({ inputs }: Resource, { builds }: Graph): string {
  const build = builds.find(({ functionID }) => inputs.name.endsWith(`-${functionID.toLowerCase()}`));
  // SST's own hold the key to the secrets.
  const variables = Object.entries(inputs.environment.variables)
    .filter(([name]) => !name.startsWith("SST_"))
    .map(([name, value]) => `${name}=${value}`);
  return [
    `${inputs.name}:`,
    `${build?.handler}, ${inputs.runtime} ${inputs.architectures}, ${inputs.memorySize} MB, ${inputs.timeout} s,`,
    inputs.reservedConcurrentExecutions ? `${inputs.reservedConcurrentExecutions} at once,` : "",
    build?.properties.install ? `installs ${JSON.stringify(build.properties.install)},` : "",
    `secrets ${
      Object.keys(build?.links ?? {})
        .sort()
        .join(" ") || "none"
    };`,
    variables.sort().join(" "),
  ]
    .filter((part) => part !== "")
    .join(" ");
}

function roleLines(role: Resource): string[] {
  const trust = statementsOf(role.inputs.assumeRolePolicy).map(
    ({ Principal, Condition }) => `${JSON.stringify(Principal)}${conditionText(Condition)}`,
  );
  const managed: string[] = role.inputs.managedPolicyArns ?? [];
  return [
    `${role.name}, for ${trust.join(", ")}`,
    ...grantsOf(role).map((grant) => `  ${grantText(grant)}`),
    ...managed.map((arn) => `  ${arn}`),
  ];
}

function grantText({ Effect, Action, Resource: on, Condition }: PolicyStatement): string {
  return `${Effect === "Deny" ? "never " : ""}${list(Action).join(" ")} on ${list(on).join(" ")}${conditionText(Condition)}`;
}

function conditionText(condition: PolicyStatement["Condition"]): string {
  return condition ? ` if ${JSON.stringify(condition)}` : "";
}

/** Everything that is said of it, in one order whatever the program's. */
function wholeLine({ inputs: { name, ...rest } }: Resource): string {
  return `${name}: ${JSON.stringify(sorted(rest))}`;
}

/** Everything that is said of buckets, table and keys. */
function storageLines(graph: Graph): string[] {
  return graph.resources
    .filter(({ type }) => /^aws:(s3\/bucket(?!Objectv2)|dynamodb|kms)/.test(type))
    .map(({ type, name, inputs, options }) => {
      const kept = options.retainOnDelete ? " kept on removal" : "";
      return `${shortType(type)} ${name}${kept}: ${JSON.stringify(sorted(inputs))}`;
    });
}

function entranceLines(graph: Graph): string[] {
  return graph.resources
    .filter(({ type }) =>
      /^aws:(apigatewayv2|cognito|sns|sqs|sfn|lambda\/(permission|functionEvent))/.test(type),
    )
    .map(({ type, name, inputs }) => {
      const { definition, ...rest } = inputs;
      return `${shortType(type)} ${name}: ${JSON.stringify(sorted(rest))}${definition ? " with the state machine of `npm run asl`" : ""}`;
    });
}

function resourceLines(graph: Graph): string[] {
  const names = new Map<string, string[]>();
  for (const { type, name } of graph.resources) {
    names.set(shortType(type), [...(names.get(shortType(type)) ?? []), name]);
  }
  return [...names].map(([type, found]) => `${type}: ${found.join(" ")}`);
}

function shortType(type: string): string {
  return type.slice(type.lastIndexOf(":") + 1);
}

/** Accounts, regions and invented endings say nothing to a reviewer. */
function shortened(text: string): string {
  return text
    .replace(/arn:aws:([a-z0-9-]+):[a-z0-9-]*:\d*:/g, "$1:")
    .replaceAll("-drrmzcfu", "")
    .replaceAll("123456789012", "ACCOUNT");
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== "object") return value;
  const entries = Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1));
  return Object.fromEntries(entries.map(([key, item]) => [key, sorted(item)]));
}
