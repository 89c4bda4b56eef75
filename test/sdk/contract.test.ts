/** @module The SDK's promises, held by both ways to have it: over HTTP to `atelier serve`, and in process over a data folder. */
import { mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { routedApp } from "@atelier/api/app";
import { openApiDocument } from "@atelier/api/openapi";
import { ImageGenerator as LocalImageGenerator } from "@atelier/local/image-generator";
import { openAtelier } from "@atelier/local/index";
import {
  BudgetError,
  ConflictError,
  ImageGenerator,
  InvalidCallError,
  NotFoundError,
  PolicyError,
} from "@atelier/sdk/image-generator";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { answerChecker } from "../../packages/api/testing/answers.ts";

/** Small pictures: what is looked at does not depend on their size. */
const SMALL = { parameters: { width: 256, height: 256 } } as const;
const WISH = { category: "weekend_special", ...SMALL } as const;

interface Given {
  readonly generator: ImageGenerator;
  close(): Promise<void>;
}

let root = "";
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "atelier-sdk-"));
});
afterAll(() => rm(root, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

/** Every answer is held against the API's document. */
const documented = answerChecker(openApiDocument(routedApp(), "http://127.0.0.1"));
const checked: typeof fetch = async (input, init) => {
  const answer = await fetch(input, init);
  const { pathname } = new URL(String(input));
  if (!pathname.endsWith("/events")) await documented(init?.method ?? "GET", pathname, answer);
  return answer;
};

const WAYS: readonly (readonly [string, () => Promise<Given>])[] = [
  [
    "over HTTP",
    async () => {
      const atelier = await openAtelier({
        dataFolder: join(root, "served"),
        provider: null,
        environment: {},
      });
      const serving = await atelier.serve({ port: 0, tokenDays: 1, revokeTokens: false, calendar: false });
      return {
        generator: new ImageGenerator({ baseUrl: serving.url, token: serving.token, fetch: checked }),
        async close() {
          await serving.close();
          await atelier.close();
        },
      };
    },
  ],
  [
    "in process",
    async () => {
      const generator = new LocalImageGenerator({ dataFolder: join(root, "own") });
      return { generator, close: () => generator.close() };
    },
  ],
];

describe.each(WAYS)("%s", { timeout: 60_000 }, (_way, open) => {
  let given: Given;
  let generator: ImageGenerator;
  beforeAll(async () => {
    given = await open();
    generator = given.generator;
  }, 60_000);
  afterAll(() => given.close());

  test("a template's images are watched, each once, and awaited", async () => {
    const generation = generator.generate({ ...WISH, variations: 2 });
    const seen: string[] = [];
    const statuses: string[] = [];
    for await (const event of generation) {
      if (event.kind === "image") seen.push(event.image.image_id);
      else statuses.push(event.request.status);
    }
    expect(statuses.at(-1)).toBe("completed");
    const images = await generation;
    expect(images.map(({ status }) => status)).toEqual(["completed", "completed"]);
    expect(seen.sort()).toEqual(images.map(({ image_id }) => image_id));
    const { request_id } = await generation.accepted;
    expect(await generator.resume(request_id)).toEqual(images);
    expect(await generator.request(request_id)).toMatchObject({ status: "completed", count: 2 });
  });

  test("a prompt of one's own is tried, made once under its key, looked at, made anew, judged and removed", async () => {
    const wish = { prompt: "A bowl of apples on a table", negativePrompt: "text", ...SMALL };
    const { items, price } = await generator.preview(wish);
    expect(items).toMatchObject([{ prompt: wish.prompt, category: "custom" }]);
    expect(price?.most).toBeGreaterThan(0);
    const asking = { idempotencyKey: "fruit-1" };
    const [image, ...others] = await generator.generateCustom(wish, asking);
    expect(others).toEqual([]);
    const imageId = image?.image_id ?? "";
    expect((await generator.generateCustom(wish, asking)).map(({ image_id }) => image_id)).toEqual([imageId]);
    await expect(generator.generateCustom({ ...wish, seed: 7 }, asking).accepted).rejects.toBeInstanceOf(
      ConflictError,
    );

    const requests: string[] = [];
    for await (const { request_id, status } of generator.requests.list({ status: "completed" })) {
      expect(status).toBe("completed");
      requests.push(request_id);
    }
    expect(requests).toContain(image?.request_id);

    const web = await generator.images.download(imageId, "web");
    expect(new TextDecoder("latin1").decode(web.subarray(8, 12))).toBe("WEBP");
    const { versions } = generator.images;
    const larger = await versions.make(imageId, { upscale: 2 });
    expect(larger).toMatchObject({ state: "ready", recipe: { upscale: 2 } });
    expect(await versions.makeCurrent(imageId, larger.version)).toMatchObject({ version: larger.version });
    expect((await versions.list(imageId)).map(({ current }) => current)).toEqual([false, true]);

    const listed = async () => {
      const ids: string[] = [];
      for await (const one of generator.images.list({ category: "custom" })) ids.push(one.image_id);
      return ids;
    };
    expect(await listed()).toEqual([imageId]);
    await generator.images.review(imageId, { action: "rate", rating: "suggestive" });
    const waiting: string[] = [];
    for await (const { image_id } of generator.images.awaitingReview()) waiting.push(image_id);
    expect(waiting).toEqual([imageId]);
    await generator.images.review(imageId, { action: "release", reason: "Looked at it: apples." });
    expect(await generator.images.get(imageId)).toMatchObject({ status: "completed", rating: "suggestive" });
    await generator.images.remove(imageId);
    await generator.images.remove(imageId);
    await expect(generator.images.get(imageId)).rejects.toBeInstanceOf(NotFoundError);
    expect(await listed()).toEqual([]);
  });

  test("what is refused says why, and nothing is bought", async () => {
    const refused = async (asked: PromiseLike<unknown>) =>
      Promise.resolve(asked).then(
        () => null,
        (error: unknown) => error,
      );
    expect(await refused(generator.generate({ ...WISH, maxCost: 0.0001 }))).toBeInstanceOf(BudgetError);
    const invalid = await refused(generator.generate({ ...WISH, variations: 0 }));
    expect(invalid).toBeInstanceOf(InvalidCallError);
    expect(invalid).toMatchObject({
      name: "Malformed",
      problem: { errors: [{ in: "body", pointer: "/variations", detail: expect.any(String) }] },
    });
    const policy = await refused(
      generator.generateCustom({ prompt: "A portrait of a lookalike of a celebrity" }),
    );
    expect(policy).toBeInstanceOf(PolicyError);
    expect(policy).toMatchObject({ name: "PolicyRefused", problem: { rule: expect.any(String) } });
    expect(await refused(generator.images.get("img_none"))).toBeInstanceOf(NotFoundError);
  });

  test("a request is cancelled", async () => {
    const generation = generator.generate({ ...WISH, variations: 10 });
    await generation.accepted;
    const { status } = await generation.cancel();
    expect(status).toBe("cancelled");
    const statuses = new Set((await generation).map((image) => image.status));
    expect(statuses.has("cancelled") || statuses.size === 0).toBe(true);
  });

  test("the rest is told", async () => {
    expect((await generator.templates.list()).length).toBeGreaterThan(3);
    const name = "lingerie_black_lace";
    expect(await generator.templates.get(name)).toMatchObject({ template: name, rating: "suggestive" });
    expect(await generator.templates.preview(name, { variations: 2 })).toHaveLength(2);
    expect((await generator.models()).some(({ offered }) => offered)).toBe(true);
    expect((await generator.budgets()).map(({ scope }) => scope)).toEqual(
      expect.arrayContaining(["day", "month"]),
    );
    expect(await generator.plan({ date: "2026-11-23" })).toMatchObject([{ category: "lingerie", count: 5 }]);
    expect((await generator.health()).checks.length).toBeGreaterThan(5);
  });
});

test("over HTTP a server that restarts in the middle is watched on: each image once, none made twice", async () => {
  const options = { dataFolder: join(root, "restarted"), provider: null, environment: {} };
  const start = async (port: number) => {
    const atelier = await openAtelier(options);
    const serving = await atelier.serve({ port, tokenDays: 1, revokeTokens: false, calendar: false });
    const stop = async () => {
      await serving.close();
      await atelier.close();
    };
    return { ...serving, stop };
  };
  let server = await start(0);
  try {
    const { url: baseUrl, token } = server;
    const generation = new ImageGenerator({ baseUrl, token }).generate({ ...WISH, variations: 2 });
    let restarted: Promise<void> | undefined;
    const seen: string[] = [];
    for await (const event of generation) {
      if (event.kind === "image") seen.push(event.image.image_id);
      restarted ??= server.stop().then(async () => {
        server = await start(Number(new URL(baseUrl).port));
      });
    }
    await restarted;
    const images = await generation;
    expect(seen.sort()).toEqual(images.map(({ image_id }) => image_id));
    expect(images.map(({ status, metadata }) => [status, metadata.attempts])).toEqual(
      Array.from({ length: 2 }, () => ["completed", 1]),
    );
  } finally {
    await server.stop();
  }
}, 60_000);

describe("in process", { timeout: 60_000 }, () => {
  test("a bad folder or setting is said by name, nothing is opened before a call, nothing answers after the end", async () => {
    const file = join(root, "file");
    await writeFile(file, "");
    const wrong = new LocalImageGenerator({ dataFolder: file });
    await expect(wrong.health()).rejects.toMatchObject({ name: "FolderUnusable" });
    const unset = new LocalImageGenerator({ dataFolder: join(root, "unset"), provider: "replicate" });
    await expect(unset.health()).rejects.toMatchObject({ name: "ConfigurationInvalid" });
    await unset.close();

    const unused = new LocalImageGenerator({ dataFolder: join(root, "unused") });
    await unused.close();
    await expect(readdir(join(root, "unused"))).rejects.toMatchObject({ code: "ENOENT" });
    await expect(unused.health()).rejects.toThrow("The generator is closed");
  });

  test("what is watched ends with the generator; the next one takes it up; nothing is made twice", async () => {
    const dataFolder = join(root, "taken-up");
    const first = new LocalImageGenerator({ dataFolder });
    const generation = first.generate({ ...WISH, variations: 2 });
    const watched = (async () => {
      for await (const event of generation) if (event.kind === "progress") void first.close();
    })();
    await expect(watched).rejects.toThrow("The generator is closed");
    const { request_id } = await generation.accepted;
    await first.close();
    const faults: unknown[] = [];
    await using second = new LocalImageGenerator({ dataFolder, onFault: (error) => faults.push(error) });
    const images = await second.resume(request_id);
    expect(images.map(({ status, metadata }) => [status, metadata.attempts])).toEqual(
      Array.from({ length: 2 }, () => ["completed", 1]),
    );
    expect(faults).toEqual([]);
  });
});
