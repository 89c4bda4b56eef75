/**
 * @module Makes an exchange fit to be shown to anybody: keys, ids, prompts, addresses and pictures are replaced, the shape
 * stays. What is not known to be harmless is blanked out.
 */
import { tinyPng } from "../../test/simulators/tiny-png.ts";

export interface Exchange {
  readonly request: {
    readonly method: string;
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    /** Null: none, or not text. */
    readonly body: string | null;
  };
  /** Null: none arrived. */
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: Buffer;
  } | null;
}

/** As kept in a file: bodies are JSON where they were, else text; pictures stand as base64. */
export interface RedactedExchange {
  readonly request: { readonly method: string; readonly path: string; readonly body: unknown };
  readonly answer: {
    readonly status: number;
    readonly headers: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly bodyBase64?: string;
  } | null;
}

const BLANK = "[redacted]";
/** Headers whose values say something about the service and nothing about the caller. */
const SHOWN_HEADERS = new Set([
  "content-type",
  "finish-reason",
  "preference-applied",
  "ratelimit-limit",
  "ratelimit-remaining",
  "ratelimit-reset",
  "retry-after",
  "seed",
]);
/** The keys of ids in the services' bodies; Midjourney's wrapper gives a task's id as `result`. */
const ID_KEY = /(^|_)ids?$|Ids?$|^(result|username|email|account)$/;
/** What we call ourselves where a service wants to know. */
const OURSELVES = "atelier";
const ADDRESS = /\b(?:https?|wss?):\/\/[^\s"'<>\\)]+/g;
/** Stands for every picture; long enough to be taken for one. */
const PICTURE = Buffer.from(tinyPng(24, 24, 1));
const BASE64 = /^(data:[^,]*,)?[A-Za-z0-9+/]{256,}={0,2}$/;

/** @param secrets texts that no file may hold: keys, prompts, names of private hosts */
export function redactedExchanges(
  exchanges: readonly Exchange[],
  secrets: readonly string[],
): RedactedExchange[] {
  const ids = new Map<string, string>();
  const bodies = exchanges.map(({ request, answer }) => [jsonOf(request.body), jsonOf(textOf(answer))]);
  // The same id is the same name everywhere, in paths and messages too.
  for (const body of bodies.flat()) collectIds(body, ids);
  const hidden = [...ids, ...secrets.map((secret) => [secret, BLANK] as const)]
    .filter(([text]) => text.length > 3)
    .sort(([one], [other]) => other.length - one.length);
  const clean = (text: string): string =>
    hidden.reduce(
      (rest, [secret, name]) => rest.replaceAll(secret, name),
      text.replace(ADDRESS, (address) => redactedAddress(address)),
    );

  const redacted = exchanges.map(({ request, answer }, index) => {
    const [sent, received] = bodies[index] ?? [];
    const { pathname, search } = new URL(request.url);
    return {
      request: {
        method: request.method,
        path: clean(`${pathname}${search}`),
        body: sent === undefined ? null : redactedValue(sent, clean, ids),
      },
      answer: answer && {
        status: answer.status,
        headers: Object.fromEntries(
          Object.entries(answer.headers).map(([name, value]) => [
            name,
            SHOWN_HEADERS.has(name) ? clean(value) : BLANK,
          ]),
        ),
        ...(received === undefined
          ? redactedBody(answer.body, clean)
          : { body: redactedValue(received, clean, ids) }),
      },
    };
  });
  // Whoever waits asks the same again and again, and hears the same.
  return redacted.filter(
    (exchange, index) => JSON.stringify(exchange) !== JSON.stringify(redacted[index - 1]),
  );
}

function redactedBody(body: Buffer, clean: (text: string) => string): { body?: string; bodyBase64?: string } {
  if (body.length === 0) return { body: "" };
  return body.includes(0)
    ? { bodyBase64: PICTURE.toString("base64") }
    : { body: clean(body.toString("utf8")) };
}

function redactedValue(
  value: unknown,
  clean: (text: string) => string,
  ids: ReadonlyMap<string, string>,
): unknown {
  if (Array.isArray(value)) return value.map((one) => redactedValue(one, clean, ids));
  if (typeof value === "object" && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, one]) => [clean(key), redactedValue(one, clean, ids)]),
    );
  }
  if (typeof value === "number")
    return ids.has(String(value)) ? Number(ids.get(String(value))?.slice(3)) : value;
  if (typeof value !== "string") return value;
  const base64 = BASE64.exec(value);
  return base64 === null ? clean(value) : `${base64[1] ?? ""}${PICTURE.toString("base64")}`;
}

/** The origin and all else that could be signed or somebody's goes; how the file's name ends stays. */
function redactedAddress(address: string): string {
  const ending = /\.[a-z0-9]{2,5}$/i.exec(URL.canParse(address) ? new URL(address).pathname : "")?.[0] ?? "";
  return `https://redacted.example/redacted${ending}`;
}

function collectIds(value: unknown, ids: Map<string, string>, key = ""): void {
  if (Array.isArray(value)) for (const one of value) collectIds(one, ids, key);
  else if (typeof value === "object" && value !== null) {
    for (const [name, one] of Object.entries(value)) collectIds(one, ids, name);
  } else if (ID_KEY.test(key) && (typeof value === "string" || typeof value === "number")) {
    const id = String(value);
    if (id.length > 3 && id !== OURSELVES && !ids.has(id)) ids.set(id, `id-${ids.size + 1}`);
  }
}

function textOf(answer: Exchange["answer"]): string | null {
  return answer === null ? null : answer.body.toString("utf8");
}

/** Undefined when it is no JSON, or a JSON that holds nothing to go by. */
function jsonOf(text: string | null): unknown {
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
