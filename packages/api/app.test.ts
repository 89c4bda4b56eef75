import { AtelierError } from "@atelier/core/errors";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { BODY_BYTES_MAX } from "./body.ts";
import { PROBLEM_TYPE, problemSchema } from "./problem.ts";
import { createRateLimit } from "./rate-limit.ts";
import { BASE_URL, startTestApi, type TestApi, type TestCall } from "./testing/api.ts";

let api: TestApi;
beforeAll(async () => {
  api = await startTestApi();
});
afterAll(() => api.close());

/** The problem that a call is answered with. */
async function problemOf(answer: Response) {
  expect(answer.headers.get("content-type")).toBe(PROBLEM_TYPE);
  const problem = problemSchema.parse(await answer.json());
  expect(problem.status).toBe(answer.status);
  expect(problem.instance).toBe(`urn:uuid:${answer.headers.get("x-request-id")}`);
  return problem;
}

const IMAGE = "/v1/images/img_a_00000";
const json = { category: "weekend_special" };

describe("who may come in", () => {
  test.each<[string, TestCall, number, string]>([
    ["without a token", { scopes: null }, 401, 'Bearer realm="atelier"'],
    [
      "with something else than a token",
      { scopes: null, headers: { Authorization: "Basic YTpi" } },
      401,
      'Bearer realm="atelier", error="invalid_token"',
    ],
    [
      "without the scope",
      { scopes: ["requests:read"] },
      403,
      'Bearer realm="atelier", error="insufficient_scope", scope="images:read"',
    ],
  ])("%s: nobody", async (_, call, status, challenge) => {
    const answer = await api.call(IMAGE, call);
    expect(answer.headers.get("www-authenticate")).toBe(challenge);
    expect((await problemOf(answer)).status).toBe(status);
  });

  test("the token is checked before the body is read", async () => {
    let isRead = false;
    const body = new ReadableStream<Uint8Array>(
      {
        pull(controller) {
          isRead = true;
          controller.close();
        },
      },
      { highWaterMark: 0 },
    );
    const headers = { Authorization: "Bearer x", "Content-Type": "application/json" };
    const request = new Request(`${BASE_URL}/v1/requests`, {
      method: "POST",
      body,
      headers,
      duplex: "half",
    } as RequestInit);
    expect((await api.app.fetch(request)).status).toBe(401);
    expect(isRead).toBe(false);
  });

  test("who calls too often waits", async () => {
    const limited = await api.with({ rateLimit: createRateLimit({ perMinute: 6, burst: 1 }, api.clock) });
    expect((await limited.call("/v1/images")).status).toBe(200);
    const answer = await limited.call("/v1/images");
    expect(answer.headers.get("retry-after")).toBe("10");
    expect((await problemOf(answer)).name).toBe("RateLimited");
    expect((await limited.call("/v1/images", { as: "bob" })).status).toBe(200);
  });
});

describe("hosts and origins", () => {
  test("another host's call is refused", async () => {
    const bound = await api.with({}, { hosts: ["127.0.0.1:8787"] });
    expect((await bound.call("/v1/images")).status).toBe(200);
    const answer = await bound.call("/v1/images", { headers: { Host: "rebound.test" } });
    expect(await problemOf(answer)).toMatchObject({ status: 421, name: "WrongHost" });
  });

  test("pages of an origin that is not listed may not call", async () => {
    for (const origin of ["https://evil.test", "null", "https://console.test.evil.test"]) {
      const answer = await api.call("/v1/images", { headers: { Origin: origin } });
      expect(answer.headers.get("access-control-allow-origin")).toBeNull();
      expect((await problemOf(answer)).name).toBe("Forbidden");
    }
  });

  test("those of a listed one, and our own, may", async () => {
    const listed = await api.call("/v1/images", { headers: { Origin: "https://console.test" } });
    expect(listed.headers.get("access-control-allow-origin")).toBe("https://console.test");
    expect(listed.headers.get("access-control-allow-credentials")).toBeNull();
    const own = await api.call("/v1/images", { headers: { Origin: BASE_URL } });
    expect([own.status, own.headers.get("access-control-allow-origin")]).toEqual([200, null]);
  });

  test("browsers are told beforehand what they may send", async () => {
    const answer = await api.call("/v1/requests", {
      method: "OPTIONS",
      scopes: null,
      headers: { Origin: "https://console.test", "Access-Control-Request-Method": "POST" },
    });
    expect(answer.status).toBe(204);
    expect(answer.headers.get("access-control-allow-origin")).toBe("https://console.test");
    expect(answer.headers.get("access-control-allow-methods")).toBe("GET, HEAD, OPTIONS, POST");
    expect(answer.headers.get("access-control-allow-headers")).toContain("Idempotency-Key");
  });
});

describe("methods and addresses", () => {
  test("a method that an address lacks is named, with those that it has", async () => {
    const answer = await api.call(IMAGE, { method: "PATCH" });
    expect(answer.headers.get("allow")).toBe("DELETE, GET, HEAD, OPTIONS");
    expect((await problemOf(answer)).name).toBe("MethodNotAllowed");
    const options = await api.call(IMAGE, { method: "OPTIONS", scopes: null });
    expect([options.status, options.headers.get("allow")]).toEqual([204, "DELETE, GET, HEAD, OPTIONS"]);
  });

  test.each(["/", "/v1", "/v1/nothing", "/v1/images/", "/v1//images", "/v1/images/a/b/c", "/V1/images"])(
    "nothing is at %s",
    async (path) => {
      expect(await problemOf(await api.call(path))).toMatchObject({ status: 404, name: "UnknownName" });
      expect((await api.call(path, { method: "OPTIONS", scopes: null })).status).toBe(404);
    },
  );

  test.each([
    "/v1/images/..%2F..%2Fetc%2Fpasswd",
    "/v1/images/%2e%2e",
    "/v1/images/img_%00",
    "/v1/images/%ff",
    "/v1/images/img_a'--",
    `/v1/images/img_${"a".repeat(65)}`,
    "/v1/requests/img_a_00000",
    "/v1/images/img_a_00000/renditions/../../x",
    "/v1/content/..%2f..%2fx",
  ])("%s cannot be a name: as if it were missing", async (path) => {
    expect((await problemOf(await api.call(path))).name).toBe("UnknownName");
  });

  test("HEAD is GET without a body", async () => {
    const answer = await api.call("/v1/images", { method: "HEAD" });
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
    expect(answer.headers.get("content-type")).toBe("application/json");
  });
});

describe("bodies", () => {
  const post = (call: TestCall) => api.call("/v1/requests", { method: "POST", ...call });
  const typed = { "Content-Type": "application/json" };

  test.each<[string, TestCall]>([
    ["of another type", { body: "{}", headers: { "Content-Type": "text/plain" } }],
    ["of no type", { body: new TextEncoder().encode("{}") }],
    ["in another charset", { body: "{}", headers: { "Content-Type": "application/json; charset=latin1" } }],
    ["compressed", { body: "{}", headers: { ...typed, "Content-Encoding": "gzip" } }],
  ])("%s are not taken", async (_, call) => {
    expect(await problemOf(await post(call))).toMatchObject({ status: 415, name: "UnsupportedMedia" });
  });

  test("too large are refused, announced or not", async () => {
    const body = " ".repeat(BODY_BYTES_MAX + 1);
    expect((await problemOf(await post({ body, headers: typed }))).name).toBe("BodyTooLarge");
    const headers = { ...typed, "Content-Length": "5" };
    expect((await problemOf(await post({ body, headers }))).name).toBe("BodyTooLarge");
  });

  test("that are not as described are refused, each field by its place and without what was sent", async () => {
    const secret = "secret-words";
    const answer = await post({
      json: {
        category: secret,
        count: "3",
        [`<${secret}>`]: 1,
        nonsense: secret,
        parameters: { width: 1.5 },
      },
    });
    const problem = await problemOf(answer);
    expect(problem).toMatchObject({ status: 400, name: "Malformed" });
    expect(JSON.stringify(problem)).not.toContain(secret);
    expect(problem.errors?.map(({ pointer }) => pointer)).toEqual(
      expect.arrayContaining(["/category", "/count", "/parameters/width", "/nonsense", "/…"]),
    );
    for (const body of ["", "[]", "null", '"a"', "7", "{", '{"category":"feet","category":"feet"}']) {
      expect((await problemOf(await post({ body, headers: typed }))).name).toBe("Malformed");
    }
  });
});

describe("answers", () => {
  test("carry what keeps browsers and caches careful", async () => {
    const { headers } = await api.call("/v1/images");
    expect(headers.get("x-request-id")).toMatch(/^[0-9a-f-]{36}$/);
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
    expect(headers.get("content-security-policy")).toContain("default-src 'none'");
  });

  test("an error that nobody foresaw is told to us, and to the caller only that it happened", async () => {
    const thrown = new Error("at /var/lib/atelier: a prompt");
    const broken = await api.with({ images: { ...api.deps.images, get: () => Promise.reject(thrown) } });
    const problem = await problemOf(await broken.call(IMAGE));
    expect(problem).toMatchObject({ status: 500, name: "Unexpected" });
    expect(JSON.stringify(problem)).not.toContain("/var");
    expect(api.faults).toContain(thrown);
  });

  test("a store that does not answer is worth another try", async () => {
    const thrown = new AtelierError("StorageUnavailable", "The table at 10.0.0.7 does not answer.");
    const broken = await api.with({ images: { ...api.deps.images, get: () => Promise.reject(thrown) } });
    const answer = await broken.call(IMAGE);
    expect(answer.headers.get("retry-after")).toBe("1");
    const problem = await problemOf(answer);
    expect(problem).toMatchObject({ status: 503, detail: "A store did not answer." });
  });

  test("a problem's type leads to its section of the reference", async () => {
    const { type } = await problemOf(await api.call("/v1/nothing"));
    const [page = "", section = ""] = type.split("#");
    const reference = await (await api.app.request(page)).text();
    expect(reference).toContain(`id="${section}"`);
  });
});

describe("the contract", () => {
  test("is served without a token", async () => {
    const answer = await api.call("/openapi.json", { scopes: null });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ openapi: "3.1.0", servers: [{ url: BASE_URL }] });
  });

  test("is a page without scripts or anything from elsewhere", async () => {
    const answer = await api.call("/reference", { scopes: null });
    const page = await answer.text();
    expect(answer.headers.get("content-type")).toContain("text/html");
    expect(answer.headers.get("content-security-policy")).toMatch(/^default-src 'none'; style-src 'sha256-/);
    expect(page).not.toMatch(/<script|<link|<img|style=|\son\w+=|@import|url\(|href="(?!#|openapi\.json)/);
    expect(page).toContain('<span class="method">post</span> /v1/requests</code>');
  });

  test("says of every operation its id, its scope, its problems", async () => {
    const document = (await (await api.call("/openapi.json", { scopes: null })).json()) as {
      paths: Record<string, Record<string, { operationId?: string; security?: object[]; responses: object }>>;
    };
    const operations = Object.values(document.paths).flatMap((path) => Object.values(path));
    const ids = operations.map(({ operationId }) => operationId);
    expect(new Set(ids).size).toBe(operations.length);
    for (const { operationId, security = [], responses } of operations) {
      const isOpen = ["getContent", "getHealth"].includes(operationId ?? "");
      expect([operationId, security.length]).toEqual([operationId, isOpen ? 0 : 1]);
      const expected = ["403", "421", "500", "503", ...(isOpen ? [] : ["401", "429"])];
      expect(Object.keys(responses)).toEqual(expect.arrayContaining(expected));
    }
  });
});

test("every route refuses whoever has no token, and whoever lacks the scope", async () => {
  const document = (await (await api.call("/openapi.json", { scopes: null })).json()) as {
    paths: Record<string, Record<string, { security: object[] }>>;
  };
  for (const [path, item] of Object.entries(document.paths)) {
    for (const [method, { security }] of Object.entries(item)) {
      if (security.length === 0) continue;
      const address = path.replaceAll(/\{[^}]+\}/g, "img_a_00000");
      const call = { method: method.toUpperCase(), ...(method === "post" && { json }) };
      expect([path, (await api.call(address, { ...call, scopes: null })).status]).toEqual([path, 401]);
      expect([path, (await api.call(address, { ...call, scopes: [] })).status]).toEqual([path, 403]);
    }
  }
});
