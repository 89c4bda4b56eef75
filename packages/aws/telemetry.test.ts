import type { Measurement } from "@atelier/core/metrics";
import { afterEach, expect, it, vi } from "vitest";
import { createTelemetry } from "./telemetry.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

/** The lines that a call writes. */
function written(measurements: readonly Measurement[]): unknown[] {
  const lines: string[] = [];
  vi.spyOn(process.stdout, "write").mockImplementation((text) => {
    lines.push(String(text));
    return true;
  });
  const telemetry = createTelemetry("abandon");
  telemetry.measure(...measurements);
  telemetry.end();
  telemetry.end();
  vi.restoreAllMocks();
  return lines.map((line) => JSON.parse(line));
}

const emf = (namespace: string, dimensions: string[][], metrics: [string, string][]) => ({
  Timestamp: expect.any(Number),
  CloudWatchMetrics: [
    {
      Namespace: namespace,
      Dimensions: dimensions,
      Metrics: metrics.map(([Name, Unit]) => ({ Name, Unit })),
    },
  ],
});

it.each([
  ["Atelier/trial", "Atelier/trial"],
  ["", "Atelier"],
])("metrics stand where alarms look for them: with the namespace %j in %s", (set, namespace) => {
  vi.stubEnv("ATELIER_METRICS_NAMESPACE", set);
  expect(
    written([
      { name: "ImagesFailed", value: 1 },
      { name: "ImagesFailed", value: 1 },
    ]),
  ).toStrictEqual([
    {
      _aws: emf(namespace, [["service"]], [["ImagesFailed", "Count"]]),
      service: "images",
      ImagesFailed: [1, 1],
    },
  ]);
});

it("values are kept by the table's dimensions, those of one set on one line", () => {
  vi.stubEnv("ATELIER_METRICS_NAMESPACE", "Atelier/test");
  const dimensions = { provider: "replicate", model: "sdxl" };
  expect(
    written([
      { name: "Quality", value: 80, dimensions },
      { name: "CostUsd", value: 0.04, dimensions },
      { name: "GenerationSeconds", value: 12.5, dimensions },
      { name: "ConsecutiveFailures", value: 4, dimensions },
    ]),
  ).toStrictEqual([
    {
      _aws: emf(
        "Atelier/test",
        [["service", "provider", "model"]],
        [
          ["Quality", "None"],
          ["CostUsd", "None"],
          ["GenerationSeconds", "Seconds"],
        ],
      ),
      service: "images",
      ...dimensions,
      Quality: 80,
      CostUsd: 0.04,
      GenerationSeconds: 12.5,
    },
    {
      _aws: emf("Atelier/test", [["service", "provider"]], [["GenerationSeconds", "Seconds"]]),
      service: "images",
      provider: "replicate",
      GenerationSeconds: 12.5,
    },
    {
      _aws: emf("Atelier/test", [["service", "provider", "model"]], [["ConsecutiveFailures", "Count"]]),
      service: "reconcile",
      ...dimensions,
      ConsecutiveFailures: 4,
    },
    {
      _aws: emf("Atelier/test", [["service"]], [["ConsecutiveFailures", "Count"]]),
      service: "reconcile",
      ConsecutiveFailures: 4,
    },
  ]);
});
