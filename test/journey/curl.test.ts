/**
 * @module Must hold: an independent client does the whole journey. The lines of the README's section "HTTP API" run as they stand, in
 * bash, with the real curl, against a real `atelier serve` in a fresh folder. Only a shim stands before curl, which notes each answer.
 */
import { execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startServer } from "../../bench/serve-process.ts";
import { blocksOf, readmeSection } from "../sdk/readme.ts";

interface Answer {
  readonly status: number;
  readonly type: string;
  /** As curl printed it; empty where it wrote a file. */
  readonly body: string;
}

const SHIM = `#!/bin/bash
set -o pipefail
# Bash's own counter would start anew in each subshell: the answers so far are the number.
number=$(printf %02d "$(ls "$ANSWERS" | grep -c head)")
"$REAL_CURL" -D "$ANSWERS/$number.head" "$@" | tee "$ANSWERS/$number.body"
`;

const curl = which("curl");
const name = "ask, watch, list, view, review, delete";
let folder = "";
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "atelier-journey-"));
});
afterAll(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 }));

describe("the README's section HTTP API", { timeout: 120_000 }, () => {
  // `.ci/run` installs curl: there it is never skipped.
  test.skipIf(curl === null)(curl === null ? `${name} (needs curl: install it)` : name, async () => {
    const script = blocksOf(readmeSection("HTTP API"), "sh").join("\n");
    const answers = await journey(script);
    const json = (index: number) => JSON.parse(answers[index]?.body ?? "");
    const [trial, , events, , , picture] = answers;
    expect(answers.map(({ status }) => status)).toEqual([
      200, 202, 200, 200, 200, 200, 200, 200, 200, 204, 404, 200,
    ]);

    expect(trial?.type).toContain("application/json");
    expect(json(0).items).toHaveLength(1);
    expect(json(0)).toMatchObject({ items: [{ category: "custom", rating: "general" }] });
    expect(json(0).price.most).toBeGreaterThan(0);

    const { request_id: requestId, images } = json(1);
    expect(json(1)).toMatchObject({ status: "accepted", count: 1, images: [expect.any(String)] });
    const imageId = images[0];

    expect(events?.type).toBe("text/event-stream; charset=utf-8");
    expect(eventsIn(events?.body ?? "").map(({ event }) => event)).toEqual(
      expect.arrayContaining(["progress", "image", "end"]),
    );
    expect(eventsIn(events?.body ?? "").find(({ event }) => event === "image")?.data).toMatchObject({
      image_id: imageId,
      request_id: requestId,
      status: "completed",
      prompt: "A bowl of apples on a wooden table",
    });
    expect(eventsIn(events?.body ?? "").at(-1)).toMatchObject({
      event: "end",
      data: { request_id: requestId, status: "completed", progress: { completed: 1 } },
    });

    expect(json(3)).toMatchObject({ items: [{ image_id: imageId, status: "completed" }] });
    expect(json(4)).toMatchObject({ url: expect.stringContaining("/v1/content/") });
    expect(picture?.type).toBe("image/webp");
    const file = await readFile(join(folder, "work", "picture.webp"));
    expect([file.toString("latin1", 0, 4), file.toString("latin1", 8, 12)]).toEqual(["RIFF", "WEBP"]);

    expect(json(6)).toMatchObject({ image_id: imageId, status: "quarantined", rating: "suggestive" });
    expect(json(7).items).toMatchObject([{ image_id: imageId, rating_seen: "suggestive" }]);
    expect(json(8)).toMatchObject({ image_id: imageId, status: "completed", is_awaiting: false });

    expect(answers[9]?.body).toBe("");
    expect(answers[10]?.type).toBe("application/problem+json");
    expect(json(10)).toMatchObject({ status: 404, name: "UnknownName" });
    expect(json(11)).toMatchObject({ items: [{ request_id: requestId, status: "completed" }] });
  });
});

/** @returns the answers, in the order of the calls. @throws Error when bash ends with anything but 0 */
async function journey(script: string): Promise<Answer[]> {
  const [shims, noted, work] = [join(folder, "shims"), join(folder, "answers"), join(folder, "work")];
  await Promise.all([shims, noted, work].map((path) => mkdir(path)));
  await writeFile(join(shims, "curl"), SHIM, { mode: 0o755 });
  const server = await startServer(join(folder, "data"));
  try {
    const child = spawn("bash", ["-e", "-u", "-o", "pipefail", "-c", script], {
      cwd: work,
      env: {
        PATH: `${shims}${delimiter}${process.env.PATH}`,
        URL: server.url,
        TOKEN: server.token,
        ANSWERS: noted,
        REAL_CURL: curl ?? "",
      },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (said += text));
    }
    const [exitCode] = await once(child, "close");
    if (exitCode !== 0) throw new Error(`bash ended with ${exitCode}: ${said}`);
  } finally {
    await server.stop();
  }
  const heads = (await readdir(noted)).filter((file) => file.endsWith(".head")).sort();
  return Promise.all(
    heads.map(async (file) => {
      const head = await readFile(join(noted, file), "utf8");
      return {
        status: Number(/^HTTP\/\S+ (\d+)/.exec(head)?.[1]),
        type: /^content-type: *(.*?)\r?$/im.exec(head)?.[1] ?? "",
        body: await readFile(join(noted, file.replace("head", "body")), "utf8"),
      };
    }),
  );
}

function eventsIn(text: string): { event: string; data: unknown }[] {
  return [...text.matchAll(/^event: (.*)\n(?:id: .*\n)?data: (.*)\n\n/gm)].map(
    ([, event = "", data = ""]) => ({
      event,
      data: JSON.parse(data),
    }),
  );
}

function which(program: string): string | null {
  try {
    return execFileSync("bash", ["-c", `command -v ${program}`], { encoding: "utf8" }).trim();
  } catch {
    return null;
  }
}
