import { spawn } from "node:child_process";
import { fileURLToPath } from "node:url";
import type { Classification, Classifier } from "@atelier/core/classifier";
import { DEFAULT_THRESHOLDS, judgePicture } from "@atelier/core/verdict";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import { imaging, photo } from "../imaging/testing.ts";
import { createEmbeddedClassifier, type EmbeddedClassifier, openInspection } from "./classifier.ts";
import { MEASURED, MISBEHAVING, NONSENSE, plainPicture, threadAnswering, threadOf } from "./testing.ts";

const SMALL = plainPicture(8, 8);
const judged = (classifier: Classifier) =>
  judgePicture(SMALL, { rating: "general", providerFilters: true }, { classifier, sandboxKey: null });

const open: EmbeddedClassifier[] = [];
const classifierOn = (threadFile: URL, timeoutMs = 10_000, loadTimeoutMs = timeoutMs) => {
  const classifier = createEmbeddedClassifier(DEFAULT_THRESHOLDS, {
    threadFile,
    loadTimeoutMs,
    pictureTimeoutMs: timeoutMs,
  });
  open.push(classifier);
  return classifier;
};
afterEach(async () => {
  await Promise.all(open.splice(0).map((one) => one.close()));
});

describe("with the models", () => {
  const inspection = openInspection();
  afterAll(() => inspection?.close());

  it("pictures are looked at beside everything else, each answered for itself", async () => {
    if (!inspection) throw new Error("The models are not installed: run npm ci.");
    const portrait = await imaging.open(photo("astronaut.png"));
    const cup = await imaging.open(photo("coffee.png"));
    const before = Uint8Array.from(portrait.pixels);
    let turns = 0;
    const ticking = setInterval(() => turns++, 5);
    const answers = await Promise.all([portrait, cup].map(inspection.classify));
    clearInterval(ticking);
    const facesOf = (said: Classification) => (said.kind === "measured" ? said.faces.length : -1);
    expect(answers.map(facesOf)).toStrictEqual([1, 0]);
    // They take seconds; in this thread each would have been one turn.
    expect(turns).toBeGreaterThan(20);
    expect(Buffer.compare(portrait.pixels, before)).toBe(0);
    expect(
      await judgePicture(
        cup,
        { rating: "general", providerFilters: true },
        { classifier: inspection, sandboxKey: null },
      ),
    ).toMatchObject({
      decision: "released",
      classifier: "nsfwjs 4.4.0 MobileNetV2, face-api 1.7.15 SSD",
      thresholds: DEFAULT_THRESHOLDS,
    });
  });

  it("nothing is fetched, no key of ours is seen", async () => {
    const thread = new URL("./thread.ts", import.meta.url);
    // Whatever opens a socket or a program ends the thread; so does a single variable of the environment.
    const classifier = classifierOn(
      threadOf(`
        import net from "node:net"; import dgram from "node:dgram"; import dns from "node:dns";
        import child from "node:child_process";
        if (Object.keys(process.env).length > 0) throw new Error("sees the environment");
        const refuse = () => { process.exit(3); };
        globalThis.fetch = net.Socket.prototype.connect = dgram.createSocket = dns.lookup = child.spawn = refuse;
        await import(${JSON.stringify(thread.href)});
      `),
      20_000,
    );
    expect(await classifier.classify(await imaging.open(photo("coffee.png")))).toMatchObject({
      kind: "measured",
      faces: [],
    });
  });

  it("a process prints nothing of theirs and ends by itself", async () => {
    const program = `
      import { openInspection } from ${JSON.stringify(new URL("./classifier.ts", import.meta.url).href)};
      const picture = { width: 64, height: 64, pixels: new Uint8Array(64 * 64 * 3) };
      const { kind } = await openInspection().classify(picture);
      console.log(kind);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      cwd: fileURLToPath(new URL(".", import.meta.url)),
    });
    let said = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (data) => (said += data));
    const code = await new Promise((resolve) => child.once("exit", resolve));
    expect({ code, said }).toStrictEqual({ code: 0, said: "measured\n" });
  });
});

describe("without the models", () => {
  it.each([
    "@tensorflow/tfjs",
    "@tensorflow/tfjs-backend-wasm",
    "nsfwjs/core",
    "@vladmandic/face-api/package.json",
  ])("%s alone being gone leaves no classifier, and everything to a person", async (gone) => {
    const faults: unknown[] = [];
    const classifier = openInspection({
      resolve: (name) => {
        if (name === gone) throw new Error(`Cannot find module '${name}'`);
      },
      onFault: (error) => faults.push(error),
    });
    expect(classifier).toBeNull();
    expect(faults).toHaveLength(1);
    const verdict = await judgePicture(
      SMALL,
      { rating: "general", providerFilters: true },
      { classifier, sandboxKey: null },
    );
    expect(verdict).toMatchObject({ decision: "quarantined", basis: "no-classifier" });
  });
});

describe("a thread", () => {
  it.each(Object.entries(MISBEHAVING))(
    "%s is a failure, and the picture waits for a person",
    async (_, bad) => {
      expect(await judged(classifierOn(bad.threadFile, bad.withinMs))).toMatchObject({
        decision: "quarantined",
        scores: null,
        reason: `The classifier failed (${bad.reason}); a person has to look at it.`,
      });
    },
  );

  it.each(Object.entries(NONSENSE))("that answers %s releases nothing", async (_, nonsense) => {
    const verdict = await judged(classifierOn(threadAnswering(`say(${nonsense});`)));
    expect(verdict).toMatchObject({ decision: "quarantined", scores: null });
  });

  it("that says more than it was asked answers no other picture", async () => {
    const twice = `say(${MEASURED}); say(${MEASURED});`;
    const classifier = classifierOn(threadAnswering(twice));
    const answers = [await judged(classifier), await judged(classifier)];
    expect(answers.map(({ decision }) => decision)).toStrictEqual(["released", "quarantined"]);
  });

  it("that broke down is replaced for the next picture", async () => {
    const classifier = classifierOn(
      threadAnswering(`if (picture.width === 1) for (;;); say(${MEASURED});`),
      1_000,
      10_000,
    );
    const said = await Promise.all([SMALL, plainPicture(1, 1), SMALL, SMALL].map(classifier.classify));
    expect(said.map(({ kind }) => kind)).toStrictEqual(["measured", "failed", "measured", "measured"]);
  });

  it("that has too much to do sends pictures to a person, and then goes on", async () => {
    let nowMs = 0;
    const classifier = createEmbeddedClassifier(DEFAULT_THRESHOLDS, {
      threadFile: threadAnswering(`say(${MEASURED});`),
      turnTimeoutMs: 45_000,
      clock: () => nowMs,
    });
    open.push(classifier);
    const late = classifier.classify(SMALL);
    nowMs = 45_001;
    expect(await late).toStrictEqual({ kind: "failed", reason: "had no time within 45000 ms" });
    expect((await classifier.classify(SMALL)).kind).toBe("measured");
  });

  it("goes on when nobody can be told of its fault", async () => {
    const classifier = createEmbeddedClassifier(DEFAULT_THRESHOLDS, {
      threadFile: threadAnswering(`if (picture.width === 1) process.exit(1); say(${MEASURED});`),
      onFault: () => {
        throw new Error("no log");
      },
    });
    open.push(classifier);
    await expect(classifier.classify(plainPicture(1, 1))).rejects.toThrow("no log");
    expect((await classifier.classify(SMALL)).kind).toBe("measured");
  });

  it("is tried again after it could not load, and told of", async () => {
    const faults: unknown[] = [];
    const classifier = createEmbeddedClassifier(DEFAULT_THRESHOLDS, {
      threadFile: threadOf('throw new Error("no models");'),
      onFault: (error) => faults.push(error),
    });
    await classifier.classify(SMALL);
    await classifier.classify(SMALL);
    expect(faults).toHaveLength(2);
    expect(faults[1]).toMatchObject({ cause: { message: "no models" } });
  });

  it("gets the pixels as they are, and what it is to look for", async () => {
    const classifier = classifierOn(
      threadAnswering(`
        const { width, height, pixels } = picture;
        const right = width === 2 && height === 1 && pixels.join() === "9,9,9,9,9,9" && workerData.faceScoreMin === 0.5;
        say(right ? ${MEASURED} : { kind: "failed", reason: "other pixels" });
      `),
    );
    expect(await classifier.classify(plainPicture(2, 1, 9))).toMatchObject({ kind: "measured" });
  });
});
