/** @module The evaluated program as data. */

export interface Resource {
  readonly type: string;
  /** Unique for its type. */
  readonly name: string;
  // biome-ignore lint/suspicious/noExplicitAny: the shape is the provider's, another one for each type
  readonly inputs: Record<string, any>;
  readonly options: {
    readonly protect: boolean;
    readonly retainOnDelete: boolean;
    readonly dependencies: readonly string[];
  };
}

export interface Graph {
  readonly stage: string;
  readonly app: { readonly removal: string; readonly protect: boolean };
  readonly resources: readonly Resource[];
  /** What the program would have the command line bundle. */
  readonly builds: readonly {
    readonly functionID: string;
    readonly handler: string;
    readonly runtime: string;
    readonly properties: {
      readonly architecture?: string;
      readonly minify?: boolean;
      readonly install?: unknown;
      readonly esbuild?: unknown;
    };
    readonly links: Readonly<Record<string, unknown>>;
  }[];
  readonly outputs: Readonly<Record<string, unknown>>;
}

export interface PolicyStatement {
  readonly Effect: "Allow" | "Deny";
  readonly Principal?: unknown;
  readonly Action: string | readonly string[];
  readonly Resource?: string | readonly string[];
  readonly Condition?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

/** Resources of a type, such as `sqs/queue:Queue`. */
export function all(graph: Graph, type: string): readonly Resource[] {
  return graph.resources.filter((resource) => resource.type === `aws:${type}`);
}

/** @throws when there is none of that name, or no single one where no name is given */
export function one(graph: Graph, type: string, name?: string): Resource {
  const found = all(graph, type).filter((resource) => name === undefined || resource.name === name);
  const [resource] = found;
  if (!resource || found.length > 1)
    throw new Error(`${graph.stage} has ${found.length} of ${type} ${name ?? ""}.`);
  return resource;
}

/** Statements of a policy as IAM reads it. */
export function statementsOf(policy: unknown): readonly PolicyStatement[] {
  const document = typeof policy === "string" ? JSON.parse(policy) : policy;
  return [document.Statement].flat();
}

/** What a role may do, in all of its inline policies. */
export function grantsOf(role: Resource): readonly PolicyStatement[] {
  const policies: { policy: unknown }[] = role.inputs.inlinePolicies ?? [];
  return policies.flatMap(({ policy }) => statementsOf(policy));
}

export function list(value: string | readonly string[] | undefined): readonly string[] {
  return value === undefined ? [] : [value].flat();
}
