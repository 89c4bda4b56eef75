/** @module One call over the wire, byte for byte as it is given, and what every answer has to keep to. */
import { Agent, request as httpRequest, type IncomingMessage } from "node:http";
import { tmpdir } from "node:os";
import { PROBLEM_TYPE, problemSchema } from "@atelier/api/problem";
import { answerChecker } from "@atelier/api/testing/answers";
import { DOCUMENT, type Operation } from "./operations.ts";
import { PLANTED, type Stage, VICTIM } from "./stage.ts";

export interface Sent {
  readonly method: string;
  /** Written to the wire as it is. */
  readonly path: string;
  readonly token: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array | null;
}

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** Null for an answer that is none. */
  readonly problem: { readonly name: string } | null;
}

/** Statuses by which something is refused that was understood: it is audited, and a caller's refusals are counted. */
const JUDGED = [402, 422];
const NOTES = /^(put|update) (AUDIT#|CALLERS )/;

/** Operations that tell who did something to those who may know. */
const NAMING = [
  "listAudit",
  "listAttestations",
  "listCallers",
  "liftCaller",
  "listReviews",
  "getReview",
  "reviewImage",
];
/** Those that hand out everything of a subject; what they write of persons is what they are for. */
const EXPORTING = ["exportSubject", "eraseSubject"];

const TRACES = [/\bat [\w.<>]+ \(/, /\n\s+at /, /node_modules/, /file:\/\//, /\.ts:\d/];

/** No field more than it says. */
const strictProblem = problemSchema.strict();
const checkAnswer = answerChecker(DOCUMENT);
/** A connection each: one that is kept may be closed by the server just as it is used. */
const agent = new Agent({ keepAlive: false });

/**
 * Sends it and holds the answer against what must be true of all of them: never a fault of ours, a problem document for every
 * refusal, nothing planted in it, nothing written for what was refused, as documented.
 *
 * @throws Error that says what was wrong
 */
export async function exchange(sent: Sent, operation: Operation, stage: Stage): Promise<Answer> {
  const { api } = stage;
  const writesBefore = api.writes.length;
  const startedBefore = api.started.length;
  const answer = await answered(sent, stage.url);
  const fail = (what: string) =>
    new Error(
      `${sent.method} ${sent.path.slice(0, 200)} -> ${answer.status}: ${what}\n${answer.text.slice(0, 500)}`,
    );
  if (answer.status >= 500 || api.faults.length > 0) {
    throw fail(
      `a fault of ours: ${api.faults.splice(0).map((fault) => (fault instanceof Error ? fault.stack : fault))}`,
    );
  }
  const secret = leakIn(answer, sent, operation, stage);
  if (secret !== null) throw fail(`tells "${secret}"`);
  if (answer.status >= 400) {
    const writes = api.writes.slice(writesBefore);
    const unwanted = JUDGED.includes(answer.status) ? writes.filter((write) => !NOTES.test(write)) : writes;
    if (unwanted.length > 0) throw fail(`wrote ${unwanted.join(", ")}`);
    if (api.started.length > startedBefore) throw fail("started an execution");
    if (sent.method !== "HEAD" && answer.problem === null) throw fail("is no problem document");
  }
  const documented = operation.statuses.includes(answer.status);
  if (documented && sent.method === operation.method) {
    const { pathname } = new URL(sent.path, stage.url);
    const isBodiless = answer.status === 204 || answer.status === 304;
    await checkAnswer(
      sent.method,
      pathname,
      new Response(isBodiless ? null : answer.text, { status: answer.status, headers: answer.headers }),
    );
  }
  return answer;
}

function leakIn(
  { status, text, headers }: Answer,
  sent: Sent,
  operation: Operation,
  { api }: Stage,
): string | null {
  const told = `${text}\n${[...headers].join("\n")}`;
  const isRefused = status >= 400;
  const isNaming = NAMING.includes(operation.id) || EXPORTING.includes(operation.id);
  const texts = [
    // What was sent is not sent back either, where it could be somebody's secret.
    ...(sent.token ? [sent.token] : []),
    PLANTED.prompt,
    PLANTED.failure,
    ...(isRefused || !isNaming ? [VICTIM, PLANTED.note] : []),
    api.folder,
    tmpdir(),
    process.cwd(),
    ...[api.deps.promptKey, api.deps.linkKey].flatMap((key) =>
      (["utf8", "base64", "base64url", "hex"] as const).map((encoding) =>
        Buffer.from(key).toString(encoding),
      ),
    ),
  ];
  // A name that stands in the address is told to whoever sent it.
  const unsent = texts.filter((secret) => !sent.path.includes(secret));
  return (
    unsent.find((secret) => told.includes(secret)) ?? TRACES.find((trace) => trace.test(told))?.source ?? null
  );
}

function answered({ method, path, token, headers, body }: Sent, url: string): Promise<Answer> {
  const { hostname, port } = new URL(url);
  return new Promise((resolve, reject) => {
    const request = httpRequest({
      agent,
      hostname,
      port,
      method,
      path,
      headers: { ...(token !== null && { Authorization: `Bearer ${token}` }), ...headers },
    });
    let isAnswered = false;
    request.on("response", (message) => {
      isAnswered = true;
      readAnswer(message).then(resolve, reject);
    });
    // Who refuses a body early may close before all of it is sent.
    request.on("error", (error) => {
      if (!isAnswered) reject(error);
    });
    request.end(body ?? undefined);
  });
}

async function readAnswer(message: IncomingMessage): Promise<Answer> {
  const pieces: Buffer[] = [];
  for await (const piece of message) pieces.push(piece as Buffer);
  const text = Buffer.concat(pieces).toString("utf8");
  const status = message.statusCode ?? 0;
  const headers = new Headers();
  for (const [name, values] of Object.entries(message.headersDistinct)) {
    for (const value of values ?? []) headers.append(name, value);
  }
  const isProblem = headers.get("content-type") === PROBLEM_TYPE && text !== "";
  const problem = isProblem ? strictProblem.parse(JSON.parse(text)) : null;
  if (problem && problem.status !== status)
    throw new Error(`A problem says ${problem.status}, the answer ${status}.`);
  return { status, headers, text, problem };
}
