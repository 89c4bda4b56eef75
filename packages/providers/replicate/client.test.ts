import { describe, expect, it } from "vitest";
import { buildRequest, openClient } from "./client.ts";

const client = openClient({ baseUrl: "https://api.replicate.com/v1", token: "r8_token" });
const headers = {
  "Content-Type": "application/json",
  "User-Agent": "atelier",
  Authorization: "Bearer r8_token",
};

describe("buildRequest", () => {
  it("gives what the client would have sent", async () => {
    const input = { prompt: "a lighthouse" };
    expect(
      await buildRequest(client, ({ predictions }) => predictions.create({ version: "v1", input })),
    ).toStrictEqual({
      method: "POST",
      url: "https://api.replicate.com/v1/predictions",
      headers,
      body: '{"input":{"prompt":"a lighthouse"},"version":"v1"}',
    });
    expect(
      await buildRequest(client, (its) =>
        its.request("/predictions", { method: "GET", params: { created_after: "2026-11-22T06:00:00Z" } }),
      ),
    ).toStrictEqual({
      method: "GET",
      url: "https://api.replicate.com/v1/predictions?created_after=2026-11-22T06%3A00%3A00Z",
      headers,
      body: null,
    });
  });

  it("keeps requests apart that are built at once", async () => {
    const ids = Array.from({ length: 20 }, (_, index) => `p${index}`);
    const built = await Promise.all(
      ids.map((id) => buildRequest(client, ({ predictions }) => predictions.get(id))),
    );
    expect(built.map(({ url }) => url.slice(url.lastIndexOf("/") + 1))).toStrictEqual(ids);
  });

  it("throws where the client refuses", async () => {
    const refused = buildRequest(client, ({ predictions }) =>
      predictions.create({ version: "v1", input: {}, webhook: "no address" }),
    );
    await expect(refused).rejects.toMatchObject({ name: "Unexpected" });
  });
});
