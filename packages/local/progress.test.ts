import { expect, test, vi } from "vitest";
import { someImage } from "../../test/contract/table-fixtures.ts";
import type { Installation } from "./installation.ts";
import { reportProgress } from "./progress.ts";
import type { StepListener } from "./step-listener.ts";

test("an image whose document cannot be made is left out of the progress: it ends no process, and somebody is told", async () => {
  const told: unknown[] = [];
  let listener: StepListener | null = null;
  const installation = {
    steps: { images: { get: async () => someImage({ status: "completed" }) } },
    onStep: (wanted: StepListener | null) => {
      listener = wanted;
    },
    onFault: (error: unknown) => told.push(error),
  } as unknown as Installation;
  const unreadable = () => Promise.reject(new Error("its prompt cannot be decrypted"));
  const stages: unknown[] = [];
  reportProgress(installation, { onProgress: (event) => stages.push(event) }, unreadable);
  (listener as StepListener | null)?.({
    name: "record",
    imageId: "img_x_00000",
    phase: "left",
    result: null,
  });
  await vi.waitFor(() =>
    expect(told).toMatchObject([{ message: "img_x_00000: Error: its prompt cannot be decrypted" }]),
  );
  expect(stages).toMatchObject([{ kind: "finished", stage: "record" }]);
});
