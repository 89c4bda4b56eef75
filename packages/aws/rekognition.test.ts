import type { RatingScores } from "@atelier/core/image";
import type { OpenPicture } from "@atelier/core/pictures";
import { DEFAULT_THRESHOLDS } from "@atelier/core/verdict";
import { RekognitionClient } from "@aws-sdk/client-rekognition";
import { afterEach, describe, expect, it } from "vitest";
import {
  type Reply,
  type ScriptedServer,
  startScriptedServer,
} from "../../test/simulators/scripted-server.ts";
import { createRekognitionClassifier } from "./rekognition.ts";

let server: ScriptedServer | undefined;
afterEach(() => server?.close());

const JPEG = Buffer.from("a small JPEG");
const askedFor: number[] = [];
const picture = (jpeg: Uint8Array = JPEG): OpenPicture => ({
  width: 2048,
  height: 1024,
  format: "png",
  pixels: new Uint8Array(),
  markedBy: () => false,
  measure: () => Promise.reject(new Error("not measured here")),
  async proxyJpeg(edgePixels) {
    askedFor.push(edgePixels);
    return jpeg;
  },
  develop: () => {
    throw new Error("not developed here");
  },
});

const reply = (body: unknown, status = 200): Reply => ({
  status,
  headers: { "content-type": "application/x-amz-json-1.1" },
  body: JSON.stringify(body),
});
const target = (request: { headers: Readonly<Record<string, unknown>> }) =>
  String(request.headers["x-amz-target"]).replace("RekognitionService.", "");

/** One label as the service writes it: name, parent, confidence in percent, level. */
type Labelled = readonly [Name: string, ParentName: string, Confidence: number];
const labels = (...given: Labelled[]) => ({
  ModerationModelVersion: "7.0",
  ContentTypes: [],
  ModerationLabels: given.map(([Name, ParentName, Confidence]) => ({
    Name,
    ParentName,
    Confidence,
    TaxonomyLevel: ParentName === "" ? 1 : 2,
  })),
});
const NO_FACES = { FaceDetails: [] };

async function classifierOn(
  moderation: unknown,
  faces: unknown = NO_FACES,
  answer: Parameters<typeof startScriptedServer>[0] = (request) =>
    reply(target(request) === "DetectFaces" ? faces : moderation),
  requestTimeoutMs = 10_000,
) {
  server = await startScriptedServer(answer);
  const client = new RekognitionClient({
    endpoint: server.origin,
    region: "eu-west-3",
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
    maxAttempts: 1,
    requestHandler: {
      connectionTimeout: 5_000,
      requestTimeout: requestTimeoutMs,
      throwOnRequestTimeout: true,
    },
  });
  const faults: unknown[] = [];
  const classifier = createRekognitionClassifier({ client, onFault: (error) => faults.push(error) });
  return { classifier, faults };
}

describe("Rekognition", () => {
  it("is sent one small JPEG, twice, and nothing else", async () => {
    askedFor.length = 0;
    const { classifier } = await classifierOn(labels());
    expect(classifier).toMatchObject({ name: "Rekognition", thresholds: DEFAULT_THRESHOLDS });
    expect(await classifier.classify(picture())).toStrictEqual({
      kind: "measured",
      scores: { suggestive: 0, nudity: 0, explicit: 0, other: 0 },
      tellsExplicit: true,
      faces: [],
      version: "7.0",
    });
    expect(askedFor).toStrictEqual([1024]);
    const Image = { Bytes: JPEG.toString("base64") };
    const requests = server?.requests.map((one) => [target(one), JSON.parse(one.body)]) ?? [];
    expect(Object.fromEntries(requests)).toStrictEqual({
      DetectModerationLabels: { Image, MinConfidence: 20 },
      DetectFaces: { Image, Attributes: ["AGE_RANGE"] },
    });
    expect(requests).toHaveLength(2);
  });

  it.each<[string, Labelled[], Partial<RatingScores>]>([
    [
      "underwear",
      [
        ["Female Swimwear or Underwear", "Swimwear or Underwear", 98],
        ["Swimwear or Underwear", "", 98],
      ],
      { suggestive: 0.98 },
    ],
    [
      "a bare back",
      [
        ["Bare Back", "Non-Explicit Nudity", 80],
        ["Non-Explicit Nudity", "Non-Explicit Nudity of Intimate parts and Kissing", 80],
        ["Non-Explicit Nudity of Intimate parts and Kissing", "", 80],
      ],
      { suggestive: 0.8 },
    ],
    ["implied nudity", [["Implied Nudity", "Non-Explicit Nudity", 60]], { suggestive: 0.6, nudity: 0.6 }],
    [
      "nudity, which Rekognition calls explicit",
      [
        ["Exposed Female Nipple", "Explicit Nudity", 90],
        ["Explicit Nudity", "Explicit", 91],
        ["Explicit", "", 91],
      ],
      { suggestive: 0.91, nudity: 0.91 },
    ],
    [
      "an act beside nudity",
      [
        ["Explicit Sexual Activity", "Explicit", 95],
        ["Explicit Nudity", "Explicit", 60],
        ["Explicit", "", 95],
      ],
      { suggestive: 0.95, nudity: 0.95, explicit: 0.95 },
    ],
    ["explicit, without more", [["Explicit", "", 50]], { suggestive: 0.5, nudity: 0.5, explicit: 0.5 }],
    [
      "something new that is explicit",
      [
        ["A New Label", "Explicit", 50],
        ["Explicit Nudity", "Explicit", 50],
        ["Explicit", "", 50],
      ],
      { suggestive: 0.5, nudity: 0.5, explicit: 0.5 },
    ],
    [
      "violence",
      [
        ["Weapon Violence", "Graphic Violence", 70],
        ["Graphic Violence", "Violence", 70],
        ["Violence", "", 70],
      ],
      { other: 0.7 },
    ],
    ["something unknown", [["constructor", "", 40]], { other: 0.4 }],
    [
      "a circle",
      [
        ["One", "Two", 40],
        ["Two", "One", 40],
      ],
      { other: 0.4 },
    ],
    [
      "a glass of wine",
      [
        ["Drinking", "Alcohol Use", 90],
        ["Alcohol Use", "Alcohol", 90],
        ["Alcohol", "", 90],
      ],
      {},
    ],
  ])("reads %s", async (_, given, scores) => {
    const { classifier } = await classifierOn(labels(...given));
    expect(await classifier.classify(picture())).toMatchObject({
      kind: "measured",
      scores: { suggestive: 0, nudity: 0, explicit: 0, other: 0, ...scores },
    });
  });

  it("takes the lower end of an age range", async () => {
    const FaceDetails = [
      { AgeRange: { Low: 19, High: 27 }, Confidence: 99.5, BoundingBox: { Width: 0.2 } },
      { AgeRange: { Low: 41, High: 49 }, Confidence: 90 },
    ];
    const { classifier } = await classifierOn(labels(), { FaceDetails });
    expect(await classifier.classify(picture())).toMatchObject({
      faces: [
        { score: 0.995, ageYears: 19 },
        { score: 0.9, ageYears: 41 },
      ],
    });
  });
});

describe("what is no measurement", () => {
  it.each<[string, unknown, unknown]>([
    ["no labels", { ModerationModelVersion: "7.0" }, NO_FACES],
    ["no version", { ModerationLabels: [] }, NO_FACES],
    ["a confidence out of range", labels(["Violence", "", 101]), NO_FACES],
    [
      "a label without a confidence",
      { ...labels(), ModerationLabels: [{ Name: "Violence", ParentName: "" }] },
      NO_FACES,
    ],
    ["no faces", labels(), {}],
    ["a face without an age", labels(), { FaceDetails: [{ Confidence: 99 }] }],
    ["a face without a confidence", labels(), { FaceDetails: [{ AgeRange: { Low: 30, High: 40 } }] }],
    ["half an age", labels(), { FaceDetails: [{ Confidence: 99, AgeRange: { High: 40 } }] }],
    ["nothing", "", ""],
  ])("an answer with %s is a failure", async (_, moderation, faces) => {
    const { classifier, faults } = await classifierOn(moderation, faces);
    expect(await classifier.classify(picture())).toMatchObject({ kind: "failed" });
    expect(faults).toHaveLength(1);
  });

  it.each<[string, Parameters<typeof startScriptedServer>[0], string]>([
    [
      "a refusal",
      () => reply({ __type: "AccessDeniedException", message: "arn:aws:iam::1:role/x" }, 400),
      "AccessDeniedException",
    ],
    ["throttling", () => reply({ __type: "ThrottlingException" }, 400), "ThrottlingException"],
    ["a lost connection", () => "reset", "TimeoutError"],
    ["silence", () => "silence", "TimeoutError"],
    [
      "one of the two that fails",
      (request) =>
        target(request) === "DetectFaces" ? reply({ __type: "InternalServerError" }, 500) : reply(labels()),
      "InternalServerError",
    ],
  ])("%s is a failure that tells nothing of the account", async (_, answer, reason) => {
    // Only silence waits for it to pass.
    const { classifier } = await classifierOn(
      null,
      null,
      answer,
      reason === "TimeoutError" ? 200 : undefined,
    );
    expect(await classifier.classify(picture())).toStrictEqual({ kind: "failed", reason });
  });

  it("a JPEG beyond the service's limit is not sent", async () => {
    const { classifier } = await classifierOn(labels());
    expect(await classifier.classify(picture(new Uint8Array(5 * 1024 * 1024 + 1)))).toStrictEqual({
      kind: "failed",
      reason: "its JPEG has 5242881 bytes, at most 5242880 are taken",
    });
    expect(server?.requests).toHaveLength(0);
  });
});
