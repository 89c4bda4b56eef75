/** @module Every operation of the API, attacked in every way that is known beforehand; what the attacks hold against is in `exchange.ts`. */
import { SCOPES, type Scope } from "@atelier/core/caller";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { CALLS, callOf } from "./calls.ts";
import { exchange, type Sent } from "./exchange.ts";
import { OPERATIONS, type Operation } from "./operations.ts";
import { HEADERS, METHODS, QUERIES, renamedPaths, spoiledBodies } from "./spoiled.ts";
import { ATTACKER, openStage, type Stage } from "./stage.ts";
import { badTokens } from "./tokens.ts";

/** What an attacker has: all but what is for operators of everybody's things. */
const MINE = SCOPES.filter((scope) => scope !== "requests:all" && scope !== "prompts:read");

let stage: Stage;
let token: string;
beforeAll(async () => {
  stage = await openStage();
  token = await stage.api.token({ subject: ATTACKER, scopes: MINE });
  // The month's ledger is opened by whoever looks first.
  await stage.api.call("/v1/budgets");
}, 60_000);
afterAll(() => stage.close());

/** A well-formed call of it, as it is sent. */
async function prepared(operation: Operation): Promise<Sent & { readonly path: string }> {
  const { path, json, headers } = await callOf(operation.id).prepare(stage);
  return {
    method: operation.method,
    path,
    token,
    ...(json === undefined
      ? { headers: { ...headers } }
      : { headers: { "Content-Type": "application/json", ...headers }, body: JSON.stringify(json) }),
  };
}

const attack = (sent: Sent, operation: Operation) => exchange(sent, operation, stage);

const tokenWith = (scopes: readonly Scope[]) => stage.api.token({ subject: ATTACKER, scopes });

test("every operation of the document has a call, and every call an operation", () => {
  expect(Object.keys(CALLS).sort()).toEqual(OPERATIONS.map(({ id }) => id).sort());
});

test("what the app serves beside the document is its description", () => {
  const paths = new Set(
    stage.api.app.routes.filter(({ method }) => method !== "ALL").map(({ path }) => path),
  );
  const documented = new Set(OPERATIONS.map(({ path }) => path.replaceAll(/\{(.+?)\}/g, ":$1")));
  expect([...paths].filter((path) => !documented.has(path)).sort()).toEqual(["/openapi.json", "/reference"]);
});

describe.each(OPERATIONS)("$method $path", (operation) => {
  const { scope } = operation;

  test("answers a well-formed call", async () => {
    const answer = await attack(await prepared(operation), operation);
    expect(answer.status).toBeLessThan(300);
  });

  test("opens to no bad token", async () => {
    const sent = await prepared(operation);
    for (const [name, authorization] of Object.entries(await badTokens(stage.api))) {
      const headers = { ...sent.headers, ...(authorization !== null && { Authorization: authorization }) };
      const {
        status,
        problem,
        headers: answered,
      } = await attack({ ...sent, token: null, headers }, operation);
      // What needs no token looks at none, but where one tells more.
      if (scope === null && (operation.id !== "getHealth" || authorization === null)) {
        expect([name, status]).toEqual([name, 200]);
      } else {
        expect([name, status, problem?.name]).toEqual([name, 401, "Unauthenticated"]);
        expect(answered.get("www-authenticate")).toMatch(/^Bearer realm="atelier"/);
      }
    }
  });

  test.runIf(scope !== null)("opens to no other scope", async () => {
    const sent = await prepared(operation);
    const others = SCOPES.filter((other) => other !== scope);
    for (const scopes of [...others.map((other) => [other]), others, []]) {
      const { status, problem } = await attack({ ...sent, token: await tokenWith(scopes) }, operation);
      expect([scopes.join(" "), status, problem?.name]).toEqual([scopes.join(" "), 403, "Forbidden"]);
    }
  });

  test.runIf(CALLS[operation.id]?.foreign)(
    "has nothing of somebody else's, as if it were missing",
    async () => {
      const sent = await prepared(operation);
      const theirs = await callOf(operation.id).foreign?.(stage);
      const foreign = await attack({ ...sent, path: theirs?.path ?? "" }, operation);
      const missing = await attack({ ...sent, path: sent.path.replace(/_stage\d+/, "_nobody") }, operation);
      expect([foreign.status, missing.status]).toEqual([404, 404]);
      const shown = ({ problem }: typeof foreign) => ({ ...problem, instance: null });
      expect(shown(foreign)).toEqual(shown(missing));
    },
  );

  test("is at no address that only looks like one", async () => {
    const sent = await prepared(operation);
    for (const path of [
      ...renamedPaths(operation, sent.path),
      `${sent.path.split("?")[0]}/../../../etc/passwd`,
    ]) {
      const { status } = await attack({ ...sent, path }, operation);
      expect([path, status]).toEqual([
        path,
        expect.toSatisfy((code: number) => [400, 404, 405].includes(code)),
      ]);
    }
  });

  test("takes no method but its own", async () => {
    const { path, headers } = await prepared(operation);
    const own = OPERATIONS.filter((each) => each.path === operation.path).map(({ method }) => method);
    const allowed = own.includes("GET") ? [...own, "HEAD"] : own;
    for (const method of METHODS.filter((each) => !allowed.includes(each))) {
      const { status, headers: answered } = await attack(
        { method, path, token, headers: headers ?? {} },
        operation,
      );
      expect([method, status]).toEqual([method, 405]);
      expect(answered.get("allow")).toBe([...allowed, "OPTIONS"].sort().join(", "));
    }
  });

  test("is for no other host and no page of another origin", async () => {
    const sent = await prepared(operation);
    for (const host of ["elsewhere.test", "127.0.0.1", "127.0.0.1:1", "[::1]", "localhost.elsewhere.test"]) {
      const { status } = await attack({ ...sent, headers: { ...sent.headers, Host: host } }, operation);
      expect([host, status]).toEqual([host, 421]);
    }
    for (const origin of ["https://elsewhere.test", "null", `${stage.url}.elsewhere.test`, "file://"]) {
      const { status } = await attack({ ...sent, headers: { ...sent.headers, Origin: origin } }, operation);
      expect([origin, status]).toEqual([origin, 403]);
    }
  });

  test("bears whatever stands in query and headers", async () => {
    let sent = await prepared(operation);
    const borne = async (change: Partial<Sent>) => {
      const { status } = await attack({ ...sent, ...change }, operation);
      expect(status).toBeLessThan(500);
      // What was done may have used its records up.
      if (operation.method !== "GET" && status < 300) sent = await prepared(operation);
    };
    for (const query of operation.hasQuery ? QUERIES : QUERIES.slice(0, 3)) {
      await borne({ path: `${sent.path}${sent.path.includes("?") ? "&" : "?"}${query}` });
    }
    for (const headers of HEADERS) await borne({ headers: { ...sent.headers, ...headers } });
  });

  test.runIf(operation.body)("takes no body but a good one", async () => {
    const sent = await prepared(operation);
    const json: object = JSON.parse(String(sent.body));
    for (const { name, type = "application/json", headers, body, status: expected } of spoiledBodies(
      json as object,
    )) {
      const types: Record<string, string> = type === null ? {} : { "Content-Type": type };
      const answer = await attack({ ...sent, headers: { ...types, ...headers }, body }, operation);
      expect([name, expected.includes(answer.status), answer.status]).toEqual([name, true, answer.status]);
    }
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });
});
