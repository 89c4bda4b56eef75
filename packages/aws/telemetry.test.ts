import { afterEach, expect, it, vi } from "vitest";
import { createTelemetry } from "./telemetry.ts";

afterEach(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

it.each([
  ["Atelier/trial", "Atelier/trial"],
  ["", "Atelier"],
])(
  "counts stand where alarms look for them: with the namespace %j in %s, under the service",
  (set, namespace) => {
    vi.stubEnv("ATELIER_METRICS_NAMESPACE", set);
    const written: string[] = [];
    vi.spyOn(process.stdout, "write").mockImplementation((text) => {
      written.push(String(text));
      return true;
    });
    const telemetry = createTelemetry("abandon");
    telemetry.count("ImagesFailed", 1);
    telemetry.count("ImagesFailed", 1);
    telemetry.end();
    telemetry.end();
    vi.restoreAllMocks();
    expect(written.map((line) => JSON.parse(line))).toMatchObject([
      {
        _aws: {
          CloudWatchMetrics: [
            {
              Namespace: namespace,
              Dimensions: [["service"]],
              Metrics: [{ Name: "ImagesFailed", Unit: "Count" }],
            },
          ],
        },
        service: "abandon",
        ImagesFailed: [1, 1],
      },
    ]);
  },
);
