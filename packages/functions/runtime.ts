/**
 * @module Every function's frame: dependencies opened once per cold start, the event parsed once, one line of log with the ids
 * of what is worked on, and errors thrown on under the literal names that Step Functions matches on.
 */
import { randomBytes } from "node:crypto";
import { createTelemetry, type Facts, type Telemetry } from "@atelier/aws/telemetry";
import { AtelierError, errorNameOf, isAtelierError } from "@atelier/core/errors";
import { type Clock, imageIdOfAttempt, type RandomBytes } from "@atelier/core/ids";
import * as z from "zod";

/** What Lambda tells about a call. */
export interface LambdaContext {
  readonly awsRequestId: string;
  getRemainingTimeInMillis(): number;
}

/** One call of the function. */
export interface Invocation {
  readonly requestId: string;
  /** Lambda ends the call then. Milliseconds since 1970. */
  readonly deadlineMs: number;
}

/** What every function has. */
export interface Surroundings {
  readonly clock: Clock;
  readonly randomBytes: RandomBytes;
  /** Who writes the audit's entries. */
  readonly actor: string;
  readonly telemetry: Telemetry;
}

export type LambdaHandler<Output> = (event: unknown, context: LambdaContext) => Promise<Output>;

/**
 * @param name the function's short name, for its log
 * @param open makes what `run` needs; called once, at the first event, and again only when it failed
 */
export function lambdaHandler<Deps, Output>(
  name: string,
  run: (event: unknown, deps: Deps, invocation: Invocation) => Promise<Output>,
  open: (surroundings: Surroundings) => Deps | Promise<Deps>,
): LambdaHandler<Output> {
  const telemetry = createTelemetry(name);
  const surroundings: Surroundings = {
    clock: () => Date.now(),
    randomBytes: (size) => new Uint8Array(randomBytes(size)),
    actor: `aws:${name}`,
    telemetry,
  };
  let opened: { readonly deps: Deps } | undefined;
  return async (event, context) => {
    const startedAtMs = surroundings.clock();
    telemetry.begin({ ...idsOf(event), invocationId: context.awsRequestId, coldStart: opened === undefined });
    try {
      opened ??= { deps: await open(surroundings) };
      const invocation = {
        requestId: context.awsRequestId,
        deadlineMs: startedAtMs + context.getRemainingTimeInMillis(),
      };
      const output = await run(event, opened.deps, invocation);
      // What it made of it: validate begins an attempt.
      telemetry.add(idsOf(output));
      telemetry.info("done", { tookMs: surroundings.clock() - startedAtMs });
      return output;
    } catch (error) {
      const failure = namedFailure(error);
      telemetry.error("failed", {
        errorName: failure.name,
        errorMessage: failure.message,
        tookMs: surroundings.clock() - startedAtMs,
        ...(failure.name === "Unexpected" && { stack: unforeseenIn(failure).stack ?? null }),
      });
      throw failure;
    } finally {
      telemetry.end();
    }
  };
}

/** A step of the workflow as a Lambda. */
export function stepHandler<Input, Deps, Output>(
  name: string,
  schema: z.ZodType<Input>,
  step: (input: Input, deps: Deps, invocation: Invocation) => Promise<Output>,
  open: (surroundings: Surroundings) => Deps | Promise<Deps>,
): LambdaHandler<Output> {
  return lambdaHandler(
    name,
    async (event, deps: Deps, invocation) => step(parsedEvent(schema, event), deps, invocation),
    open,
  );
}

/** @throws AtelierError `UsageError` naming the first field that is wrong, never its value */
export function parsedEvent<Input>(schema: z.ZodType<Input>, event: unknown): Input {
  const parsed = schema.safeParse(event);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  const where = issue && issue.path.length > 0 ? ` at "${issue.path.join(".")}"` : "";
  throw new AtelierError("UsageError", `The event is wrong${where}: ${issue?.message ?? "unreadable"}.`);
}

/** An error outside of the table would leave under whatever name a library gave it, and with its properties. */
function namedFailure(error: unknown): Error {
  if (isAtelierError(error)) return error;
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return new AtelierError("Unexpected", message, { cause: error });
}

/** Where it broke, beneath whatever told of it on its way; of several the first that nobody foresaw. */
function unforeseenIn(failure: Error): Error {
  const { cause } = failure;
  const causes: unknown[] = cause instanceof AggregateError ? cause.errors : [cause];
  const [beneath] = causes.filter(
    (each): each is Error => each instanceof Error && errorNameOf(each) === "Unexpected",
  );
  return failure.name === "Unexpected" && beneath ? unforeseenIn(beneath) : failure;
}

const idsSchema = z.object({
  requestId: z.string().optional(),
  imageId: z.string().optional(),
  attemptId: z.string().optional(),
  /** As callers of the start function write it. */
  request_id: z.string().optional(),
  entry: z.string().optional(),
});

/** Request, image and attempt of an event, each from the longest id that is there. */
export function idsOf(event: unknown): Facts {
  const outer = z.looseObject({ input: z.unknown().optional() }).safeParse(event);
  if (!outer.success) return {};
  const { request_id, ...ids } = {
    ...idsSchema.safeParse(outer.data.input).data,
    ...idsSchema.safeParse(outer.data).data,
  };
  const imageId = ids.imageId ?? (ids.attemptId && imageIdOfAttempt(ids.attemptId));
  const requestId = ids.requestId ?? request_id ?? (imageId && requestIdOf(imageId));
  return Object.fromEntries(
    Object.entries({ ...ids, requestId, imageId }).filter(([, id]) => id !== undefined),
  ) as Facts;
}

function requestIdOf(imageId: string): string {
  return `req_${imageId.slice("img_".length, imageId.lastIndexOf("_"))}`;
}
