/** @module What must hold of a deployment that buys from several providers, and that pages may call. */
import { describe, expect, test } from "vitest";
import { ENTRY_NAMES } from "../../stacks/access.ts";
import { all, type Graph, one } from "./harness/graph.ts";

export function describeSeveralProviders(graph: Graph): void {
  describe("with several providers", () => {
    test("keys are with those that buy and ask; the public address checks signatures and buys nothing", () => {
      const links = Object.fromEntries(
        graph.builds.map(({ functionID, links }) => [functionID.toLowerCase(), Object.keys(links).sort()]),
      );
      const keys = ["MidjourneyApiKey", "ReplicateApiToken", "StabilityApiKey"];
      expect(links).toEqual({
        plan: ["AtelierKey"],
        validate: ["AtelierKey"],
        generate: ["AtelierKey", ...keys],
        collect: keys,
        process: ["AtelierKey"],
        record: [],
        abandon: [],
        reconcile: keys,
        webhook: ["AtelierKey", "ReplicateWebhookSecret"],
        start: ["AtelierKey"],
        reprocess: ["AtelierKey"],
        notify: ["ChatWebhookUrl"],
        api: ["AtelierKey", ...keys],
        claims: [],
        attest: [],
        daily: [],
      });
    });

    test("pages that may call the API may read what its links lead to, under the origin that browsers then name", () => {
      const { variables } = one(graph, "lambda/function:Function", "ApiFunction").inputs.environment;
      expect(variables.ATELIER_ALLOWED_ORIGINS).toBe("https://console.example.com");
      const { bucket, corsRules } = one(graph, "s3/bucketCorsConfiguration:BucketCorsConfiguration").inputs;
      expect(bucket).toBe(variables.ATELIER_BUCKET);
      expect(corsRules).toMatchObject([{ allowedMethods: ["GET"], allowedOrigins: ["*"] }]);
    });

    test("every function is told who they are, that the best is taken, and where those are that are elsewhere", () => {
      const functions = all(graph, "lambda/function:Function");
      expect(functions).toHaveLength(ENTRY_NAMES.length);
      for (const { inputs } of functions) {
        expect(inputs.environment.variables).toMatchObject({
          ATELIER_PROVIDERS: "replicate,stability,midjourney",
          ATELIER_PROVIDER: "any",
          STABILITY_BASE_URL: "https://stability.example.com",
          MIDJOURNEY_BASE_URL: "https://wrapper.example.com",
        });
        expect(inputs.environment.variables).not.toHaveProperty("REPLICATE_BASE_URL");
        // Secrets come linked, encrypted; none stands in the environment.
        expect(JSON.stringify(inputs.environment.variables)).not.toMatch(/API_KEY|API_TOKEN|WEBHOOK_SECRET/);
      }
    });
  });
}
