import { describe, expect, it } from "vitest";
import { readConfiguration } from "./configuration.ts";

const read = (environment: Record<string, string>, provider: string | null = null, settings = {}) =>
  readConfiguration({
    provider,
    environment,
    settings,
    timezone: "Europe/Paris",
    user: "ada",
    todayIn: () => "2026-11-22",
    knownProviders: ["replicate", "stability", "midjourney", "a1111", "comfyui", "sandbox"],
  });

describe("whom a command buys from", () => {
  it("is the sandbox unless somebody says otherwise; keys never decide", () => {
    expect(read({ REPLICATE_API_TOKEN: "r8_x" }).provider).toBe("sandbox");
    expect(read({}, null, { provider: "sandbox" }).provider).toBe("sandbox");
    expect(read({ REPLICATE_API_TOKEN: "r8_x" }, null, { provider: "replicate" }).provider).toBe("replicate");
    expect(read({ REPLICATE_API_TOKEN: "r8_x" }, "sandbox", { provider: "replicate" }).provider).toBe(
      "sandbox",
    );
  });

  it("is the best of those that are configured with `any`", () => {
    const { provider, providers } = read(
      { REPLICATE_API_TOKEN: "r8_x", A1111_BASE_URL: "http://127.0.0.1:7860" },
      "any",
    );
    expect(provider).toBeNull();
    expect(Object.keys(providers.settings).sort()).toStrictEqual(["a1111", "replicate"]);
    expect(providers.off.get("stability")).toStrictEqual({
      reason: "no-key",
      detail: "STABILITY_API_KEY is not set.",
    });
  });

  it.each([
    [{}, "replicat", "UnknownName", /There is no provider "replicat". Did you mean "replicate"\?/],
    [{}, "replicate", "ConfigurationInvalid", /replicate cannot be used: REPLICATE_API_TOKEN is not set/],
    [{ REPLICATE_API_TOKEN: " " }, "replicate", "ConfigurationInvalid", /REPLICATE_API_TOKEN is not set/],
    [{}, "any", "ConfigurationInvalid", /--provider any needs at least one provider that is configured/],
    [
      { ATELIER_ENABLE: "midjorney" },
      null,
      "ConfigurationInvalid",
      /ATELIER_ENABLE names the provider "midjorney"/,
    ],
    [
      { MIDJOURNEY_BASE_URL: "https://mj.example.com" },
      "midjourney",
      "ConfigurationInvalid",
      /Switch it on with ATELIER_ENABLE=midjourney/,
    ],
  ])("refuses %j with --provider %s", (environment, provider, name, message) => {
    const attempt = () => read(environment as Record<string, string>, provider);
    expect(attempt).toThrow(message);
    expect(attempt).toThrow(expect.objectContaining({ name }));
  });

  it("Midjourney is on once it is enabled and has an address", () => {
    const environment = { ATELIER_ENABLE: "midjourney", MIDJOURNEY_BASE_URL: "https://mj.example.com" };
    expect(read(environment, "midjourney").provider).toBe("midjourney");
  });
});
