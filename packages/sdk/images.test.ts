import { afterEach, expect, test } from "vitest";
import { type Reply, startScriptedServer } from "../../test/simulators/scripted-server.ts";
import { ConflictError, ImageGenerator, InvalidCallError } from "./image-generator.ts";

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0)) await close();
});

/** A server that gives these answers in turn, `ORIGIN` in them replaced by its own; nothing waits. */
async function library(answers: readonly (Reply | "cut")[]) {
  const origin = () => server.origin;
  const server = await startScriptedServer((_request, index) => {
    const answer = answers[index] ?? { status: 404 };
    if (answer === "cut") return "cut";
    const body = typeof answer.body === "string" ? answer.body.replaceAll("ORIGIN", origin()) : answer.body;
    return { ...answer, ...(body !== undefined && { body }) };
  });
  closers.push(server.close);
  const waits: number[] = [];
  const { images, templates } = new ImageGenerator(
    { baseUrl: server.origin, token: "a.b.c" },
    { wait: async (ms) => void waits.push(ms), random: () => 1, now: Date.now },
  );
  const calls = () =>
    server.requests.map(({ method, path, headers, body }) =>
      [method, path, headers.authorization ?? "no token", body].join(" ").trim(),
    );
  return { images, templates, calls, waits };
}

const link = (name: string): Reply => ({ body: `{"url":"ORIGIN/v1/content/${name}","expires_at":"x"}` });
const expired: Reply = { status: 410, body: '{"name":"LinkExpired","detail":"The link has ended."}' };
const BEARER = "Bearer a.b.c";

test("a file is fetched by its link, without the token", async () => {
  const { images, calls } = await library([link("one"), { body: new Uint8Array([1, 2, 3]) }]);
  expect(await images.download("img_1", "web")).toEqual(new Uint8Array([1, 2, 3]));
  expect(calls()).toEqual([`GET /v1/images/img_1/renditions/web ${BEARER}`, "GET /v1/content/one no token"]);
});

test("a link that ends, before or during the download, is asked for once more and no further", async () => {
  const before = await library([link("one"), expired, link("two"), { body: "file" }]);
  expect(new TextDecoder().decode(await before.images.download("img_1"))).toBe("file");
  expect(before.calls().at(-1)).toBe("GET /v1/content/two no token");
  const during = await library([link("one"), "cut", expired, link("two"), { body: "file" }]);
  expect(new TextDecoder().decode(await during.images.download("img_1"))).toBe("file");
  const always = await library([link("one"), expired, link("two"), expired, link("three")]);
  await expect(always.images.download("img_1")).rejects.toBeInstanceOf(InvalidCallError);
  expect(always.calls()).toHaveLength(4);
});

test("a store of files may redirect, without the token", async () => {
  const { images, calls } = await library([
    link("one"),
    { status: 302, headers: { location: "/bucket/file" } },
    { body: "file" },
  ]);
  expect(new TextDecoder().decode(await images.download("img_1"))).toBe("file");
  expect(calls().at(-1)).toBe("GET /bucket/file no token");
});

test("lists go on over short and empty pages, and no further than they are read", async () => {
  const page = (ids: readonly string[], next: string | null): Reply => ({
    body: JSON.stringify({ items: ids.map((image_id) => ({ image_id })), next_cursor: next }),
  });
  const pages = [page(["a"], "1"), page([], "2"), page(["b", "c"], null)];
  const whole = await library(pages);
  const ids: string[] = [];
  for await (const { image_id } of whole.images.list({ category: "feet" })) ids.push(image_id);
  expect(ids).toEqual(["a", "b", "c"]);
  expect(whole.calls().map((call) => call.replace(` ${BEARER}`, ""))).toEqual([
    "GET /v1/images?category=feet&limit=100",
    "GET /v1/images?category=feet&limit=100&cursor=1",
    "GET /v1/images?category=feet&limit=100&cursor=2",
  ]);
  const left = await library(pages);
  for await (const _image of left.images.list()) break;
  expect(left.calls()).toHaveLength(1);
});

test("a version is waited for until it is ready or has failed", async () => {
  const version = (state: string): Reply => ({ body: JSON.stringify({ version: 2, state }) });
  const { images, calls, waits } = await library([
    { status: 202, ...version("making") },
    version("making"),
    version("making"),
    version("making"),
    version("making"),
    version("failed"),
  ]);
  expect(await images.versions.make("img_1", { upscale: 2 })).toEqual({ version: 2, state: "failed" });
  expect(calls().slice(0, 2)).toEqual([
    `POST /v1/images/img_1/versions ${BEARER} {"upscale":2}`,
    `GET /v1/images/img_1/versions/2 ${BEARER}`,
  ]);
  expect(waits).toEqual([500, 1000, 2000, 4000, 5000]);
});

test("what is decided and removed is said as it is, and a lost answer is asked for again", async () => {
  const decided = '{"status":"quarantined","is_awaiting":false}';
  const unfinished = { status: 409, body: '{"name":"ImageUnfinished","detail":"It is in the making."}' };
  const { images, calls } = await library([{ status: 503 }, { body: decided }, { status: 204 }, unfinished]);
  await images.review("img_1", { action: "rate", rating: "suggestive" });
  await images.remove("img_1");
  await expect(images.remove("img_2")).rejects.toBeInstanceOf(ConflictError);
  const review = `POST /v1/images/img_1/review ${BEARER} {"action":"rate","rating":"suggestive"}`;
  expect(calls()).toEqual([
    review,
    review,
    `DELETE /v1/images/img_1 ${BEARER}`,
    `DELETE /v1/images/img_2 ${BEARER}`,
  ]);
});

test("names are never more than a part of a path", async () => {
  const { images, templates, calls } = await library([{ body: "{}" }, { body: '{"items":[]}' }]);
  await images.get("../v1/budgets?x=#");
  await templates.preview("a/b", { variations: 2, seed: 7 });
  expect(calls()).toEqual([
    `GET /v1/images/..%2Fv1%2Fbudgets%3Fx%3D%23 ${BEARER}`,
    `GET /v1/templates/a%2Fb/preview?variations=2&seed=7 ${BEARER}`,
  ]);
});
