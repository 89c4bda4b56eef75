import { describe, expect, it } from "vitest";
import { createProviders } from "./registry.ts";

const deps = { clock: () => 0, workflows: {} };

describe("createProviders", () => {
  it("offers exactly the providers that have settings", () => {
    expect([...createProviders({}, deps).keys()]).toStrictEqual([]);
    const providers = createProviders(
      {
        replicate: { token: "r8_token" },
        sandbox: { token: "play", baseUrl: "http://127.0.0.1:8080/v1/", webhookSecret: "whsec_c2VjcmV0" },
      },
      deps,
    );
    expect([...providers.keys()]).toStrictEqual(["replicate", "sandbox"]);
    expect([...providers.values()].map(({ name }) => name)).toStrictEqual(["replicate", "sandbox"]);
  });

  it("trusts the origin of a base URL on this machine, and no other", () => {
    const trusted = (baseUrl: string) =>
      createProviders({ replicate: { token: "r8_token", baseUrl } }, deps).get("replicate")?.trustedOrigin;
    expect(trusted("https://api.replicate.com/v1")).toBeNull();
    expect(trusted("http://127.0.0.1:8080/v1")).toBe("http://127.0.0.1:8080");
    expect(trusted("http://[::1]:8080/v1")).toBe("http://[::1]:8080");
  });

  it("reads webhooks only where there is a secret", () => {
    const parse = (webhookSecret: string | null) =>
      createProviders({ replicate: { token: "r8_token", webhookSecret } }, deps).get("replicate")
        ?.parseWebhook;
    expect(parse(null)).toBeUndefined();
    expect(parse("whsec_c2VjcmV0")).toBeTypeOf("function");
  });

  it.each([
    ["REPLICATE_API_TOKEN", { token: " " }],
    ["REPLICATE_BASE_URL", { token: "t", baseUrl: "http://api.replicate.com/v1" }],
    ["REPLICATE_BASE_URL", { token: "t", baseUrl: "api.replicate.com" }],
    ["REPLICATE_WEBHOOK_SECRET", { token: "t", webhookSecret: "secret" }],
  ])("refuses a bad %s in one sentence that names it", (variable, settings) => {
    expect(() => createProviders({ replicate: settings }, deps)).toThrow(
      expect.objectContaining({
        name: "ConfigurationInvalid",
        message: expect.stringMatching(new RegExp(`^${variable} of the provider replicate must [^.]+.*\\.$`)),
      }),
    );
  });
});
