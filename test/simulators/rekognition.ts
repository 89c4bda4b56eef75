/** @module A Rekognition for tests over HTTP on loopback: it sees nothing, unless it is told what, or to fail. */
import { startScriptedServer } from "./scripted-server.ts";

export interface SeenLabel {
  readonly Name: string;
  readonly ParentName: string;
  /** Percent. */
  readonly Confidence: number;
}

export interface TestRekognition {
  readonly origin: string;
  /** Actions, in order. */
  readonly calls: readonly string[];
  /** What it sees from here on; null: it answers with a fault of its own. */
  sees(labels: readonly SeenLabel[] | null): void;
  close(): Promise<void>;
}

export async function startTestRekognition(): Promise<TestRekognition> {
  let labels: readonly SeenLabel[] | null = [];
  const calls: string[] = [];
  const server = await startScriptedServer(({ headers }) => {
    const action = String(headers["x-amz-target"]).replace("RekognitionService.", "");
    calls.push(action);
    const answer =
      labels === null
        ? { __type: "AccessDeniedException", Message: "no" }
        : action === "DetectFaces"
          ? { FaceDetails: [] }
          : { ModerationModelVersion: "7.0", ModerationLabels: labels };
    return {
      status: labels === null ? 400 : 200,
      headers: { "content-type": "application/x-amz-json-1.1" },
      body: JSON.stringify(answer),
    };
  });
  return {
    origin: server.origin,
    calls,
    sees(seen) {
      labels = seen;
    },
    close: server.close,
  };
}
