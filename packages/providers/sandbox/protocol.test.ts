import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { SDXL } from "../../../test/simulators/models.ts";
import {
  startTestReplicate,
  TEST_JOB_MS,
  TEST_NOW_MS,
  TEST_TOKEN,
  TEST_WEBHOOK_SECRET,
  type TestReplicate,
} from "../../../test/simulators/replicate.ts";

let replicate: TestReplicate;
beforeEach(async () => {
  replicate = await startTestReplicate();
});
afterEach(async () => {
  await replicate.close();
  expect(replicate.errors).toStrictEqual([]);
});

/** The fields that these tests look at; which of them an answer has is what is tested. */
interface Answer {
  readonly id: string;
  readonly title: string;
  readonly status: string;
  readonly created_at: string;
  readonly deadline: string;
  readonly output: unknown;
  readonly urls: { readonly get: string };
  readonly next: string | null;
  readonly results: readonly Answer[];
  readonly openapi_schema: {
    readonly components: {
      readonly schemas: { readonly Input: { readonly properties: Record<string, unknown> } };
    };
  };
}
async function api(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
  const response = await fetch(`${replicate.sandbox().apiUrl}${path}`, {
    method,
    headers: { authorization: `Bearer ${TEST_TOKEN}`, ...headers },
    ...(body === undefined ? {} : { body: typeof body === "string" ? body : JSON.stringify(body) }),
  });
  return { status: response.status, headers: response.headers, body: (await response.json()) as Answer };
}
const BODY = { version: SDXL.version, input: { prompt: "a lighthouse", seed: 42, width: 64, height: 64 } };
const create = async (more: object = {}, headers: Record<string, string> = {}) =>
  (await api("POST", "/predictions", { ...BODY, ...more }, headers)).body;
const get = async (id: string) => (await api("GET", `/predictions/${id}`)).body;

describe("the sandbox's API", () => {
  it("refuses a caller without the token", async () => {
    for (const authorization of ["", "Bearer other", TEST_TOKEN]) {
      const { status, body } = await api("POST", "/predictions", BODY, { authorization });
      expect([status, body.title]).toStrictEqual([401, "Unauthenticated"]);
    }
    expect(replicate.sandbox().creates()).toStrictEqual([]);
  });

  it("answers a create with 201 and the prediction", async () => {
    const { status, body } = await api("POST", "/predictions", BODY);
    expect(status).toBe(201);
    expect(body).toMatchObject({
      status: "starting",
      version: SDXL.version,
      model: "stability-ai/sdxl",
      // The prompt itself is nowhere kept.
      input: { ...BODY.input, prompt: expect.stringMatching(/^hmac-sha256:[0-9a-f]{64}$/) },
      output: null,
      error: null,
      data_removed: false,
      created_at: "2026-11-22T06:00:00.000Z",
    });
    expect(body.urls.get).toBe(`${replicate.sandbox().apiUrl}/predictions/${body.id}`);
  });

  it.each([
    ["an unknown key of the input", { input: { prompt: "x", sampler: "y" } }, "input.sampler"],
    ["a wrong type", { input: { prompt: 5 } }, "input.prompt"],
    ["a fraction for an integer", { input: { num_inference_steps: 1.5 } }, "input.num_inference_steps"],
    ["a number over the range", { input: { num_inference_steps: 501 } }, "input.num_inference_steps"],
    ["a number under the range", { input: { guidance_scale: 0.5 } }, "input.guidance_scale"],
    ["a choice that is none", { input: { scheduler: "KLMS" } }, "input.scheduler"],
    ["a missing prompt", { version: "black-forest-labs/flux-schnell", input: {} }, "input.prompt"],
    [
      "a negative prompt for flux",
      { version: "black-forest-labs/flux-schnell", input: { prompt: "x", negative_prompt: "y" } },
      "input.negative_prompt",
    ],
    [
      "a width for the version that takes image_dimensions",
      {
        version: "db21e45d3f7023abc2a46ee38a23973f6dce16bb082a930b0c49861f96d1e5bf",
        input: { prompt: "x", width: 512 },
      },
      "input.width",
    ],
  ])("refuses %s and names the field", async (_, more, field) => {
    const { status, body, headers } = await api("POST", "/predictions", { ...BODY, ...more });
    expect(status).toBe(422);
    expect(headers.get("content-type")).toBe("application/problem+json");
    expect(body).toMatchObject({
      title: "Input validation failed",
      status: 422,
      invalid_fields: [{ field }],
    });
    expect(replicate.sandbox().creates()).toMatchObject([{ status: 422, predictionId: null }]);
  });

  it.each([
    ["another key at the top", { ...BODY, model: "x" }],
    ["no version", { input: {} }],
    ["a webhook that is no address", { ...BODY, webhook: "here" }],
    ["an unknown event", { ...BODY, webhook_events_filter: ["end"] }],
    ["no JSON", "{"],
  ])("refuses %s", async (_, body) => {
    expect((await api("POST", "/predictions", body)).status).toBe(422);
  });

  it.each(["4s", "0", "soon", "-5s"])("refuses Cancel-After: %s", async (duration) => {
    expect((await api("POST", "/predictions", BODY, { "cancel-after": duration })).status).toBe(422);
  });

  it("refuses a version that it does not know, and a community model without one", async () => {
    for (const version of ["0".repeat(64), "stability-ai/sdxl"]) {
      const { status, body } = await api("POST", "/predictions", { ...BODY, version });
      expect([status, body.title]).toStrictEqual([422, "Invalid version or not permitted"]);
    }
  });

  it("goes by its clock: starting, processing, succeeded", async () => {
    const { id } = await create();
    await replicate.advance(TEST_JOB_MS / 2);
    expect(await get(id)).toMatchObject({ status: "processing", output: null });
    await replicate.advance(TEST_JOB_MS / 2);
    const ended = await get(id);
    expect(ended).toMatchObject({ status: "succeeded", metrics: { predict_time: 1.8 } });
    expect(ended.output).toHaveLength(1);
  });

  it("gives the bare address where the model has a single output", async () => {
    const version = "2c8e954decbf70b7607a4414e5785ef9e4de4b8c51d50fb8b8b349160e0ef6bb";
    const { id } = await create({ version });
    await replicate.advance(TEST_JOB_MS);
    expect((await get(id)).output).toBeTypeOf("string");
  });

  it("aborts what was cancelled before its start, cancels what runs, leaves alone what has ended", async () => {
    const [early, late, ended] = [await create(), await create(), await create()];
    expect((await api("POST", `/predictions/${early.id}/cancel`)).body.status).toBe("aborted");
    await replicate.advance(TEST_JOB_MS / 2);
    expect((await api("POST", `/predictions/${late.id}/cancel`)).body.status).toBe("canceled");
    await replicate.advance(TEST_JOB_MS);
    expect((await api("POST", `/predictions/${ended.id}/cancel`)).body.status).toBe("succeeded");
  });

  it("keeps to Cancel-After", async () => {
    replicate.sandbox().faults.add({ kind: "job", as: "hangs" });
    const { id, deadline } = await create({}, { "cancel-after": "1m30s" });
    expect(deadline).toBe("2026-11-22T06:01:30.000Z");
    await replicate.advance(89_999);
    expect((await get(id)).status).toBe("processing");
    await replicate.advance(1);
    expect((await get(id)).status).toBe("canceled");
  });

  it("lists a hundred a page, newest first, between two times", async () => {
    const ids: string[] = [];
    for (let index = 0; index < 105; index++) {
      ids.unshift((await create()).id);
      if (index % 2 === 0) await replicate.advance(1_000);
    }
    const first = (await api("GET", "/predictions")).body;
    expect(first.results).toHaveLength(100);
    const second = (await api("GET", (first.next ?? "").slice(replicate.sandbox().apiUrl.length))).body;
    expect(second.next).toBeNull();
    const listed = [...first.results, ...second.results];
    expect(listed.map(({ id }) => id).sort()).toStrictEqual([...ids].sort());
    const times = listed.map(({ created_at }) => created_at);
    expect(times).toStrictEqual([...times].sort().reverse());

    const at = (ms: number) => new Date(TEST_NOW_MS + ms).toISOString();
    const some = (await api("GET", `/predictions?created_after=${at(1_000)}&created_before=${at(3_000)}`))
      .body;
    expect(some.results).toHaveLength(4);
    expect((await api("GET", "/predictions?created_after=yesterday")).status).toBe(400);
  });

  it("shows versions with their schema and the webhook secret", async () => {
    const path = `/models/stability-ai/sdxl/versions/${SDXL.version}`;
    const { body } = await api("GET", path);
    expect(body).toMatchObject({ id: SDXL.version, openapi_schema: { info: { "x-reconstructed": false } } });
    expect(body.openapi_schema.components.schemas.Input.properties.seed).toStrictEqual({ type: "integer" });
    expect((await api("GET", "/models/a/b/versions/c")).status).toBe(404);
    expect((await api("GET", "/models/black-forest-labs/flux-schnell")).status).toBe(200);
    expect((await api("GET", "/models/a/b")).status).toBe(404);
    expect((await api("GET", "/webhooks/default/secret")).body).toStrictEqual({ key: TEST_WEBHOOK_SECRET });
    expect((await api("GET", "/predictions/none")).status).toBe(404);
    expect((await api("DELETE", "/predictions")).status).toBe(404);
  });
});
