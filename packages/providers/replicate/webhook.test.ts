import { describe, expect, it } from "vitest";
import { signWebhook, webhookFault } from "./webhook.ts";

// Published test vector of the svix test suite; not a credential.
const SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
const BODY = Buffer.from('{"test": 2432232314}');
const SIGNATURE = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";
const SECONDS = 1614265330;
const HEADERS = {
  "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
  "webhook-timestamp": String(SECONDS),
  "webhook-signature": SIGNATURE,
};
const fault = (headers: Record<string, string | undefined>, nowSeconds = SECONDS, body: Uint8Array = BODY) =>
  webhookFault(SECRET, headers, body, nowSeconds * 1000);

describe("the webhook signature", () => {
  it("reproduces the published vector", () => {
    expect(signWebhook(SECRET, HEADERS["webhook-id"], HEADERS["webhook-timestamp"], BODY)).toBe(SIGNATURE);
    expect(fault(HEADERS)).toBeNull();
  });

  it("takes headers in any case, and any one match among several signatures", () => {
    const shouted = Object.fromEntries(
      Object.entries(HEADERS).map(([name, value]) => [name.toUpperCase(), value]),
    );
    expect(fault(shouted)).toBeNull();
    expect(fault({ ...HEADERS, "webhook-signature": `v1,AAAA v1a,BBBB ${SIGNATURE}` })).toBeNull();
  });

  it("takes five minutes either way and not a second more", () => {
    expect([-300, 300].map((off) => fault(HEADERS, SECONDS + off))).toStrictEqual([null, null]);
    expect([-301, 301].map((off) => fault(HEADERS, SECONDS + off))).toStrictEqual(["age", "age"]);
  });

  it.each([
    ["no headers", {}],
    ["another id", { ...HEADERS, "webhook-id": "msg_other" }],
    ["another time", { ...HEADERS, "webhook-timestamp": String(SECONDS + 1) }],
    ["a time that is no number", { ...HEADERS, "webhook-timestamp": "NaN" }],
    ["another signature", { ...HEADERS, "webhook-signature": SIGNATURE.replace("g0h", "G0h") }],
    ["half a signature", { ...HEADERS, "webhook-signature": SIGNATURE.slice(0, 20) }],
    ["no signature", { ...HEADERS, "webhook-signature": undefined }],
  ])("refuses %s", (_, headers) => expect(fault(headers)).toBe("signature"));

  it("refuses the body after any change, even of white space", () => {
    expect(fault(HEADERS, SECONDS, Buffer.from('{"test":2432232314}'))).toBe("signature");
  });

  it("refuses a signature made over a time stamp that is no number", () => {
    const signature = signWebhook(SECRET, "msg", "soon", BODY);
    const headers = { "webhook-id": "msg", "webhook-timestamp": "soon", "webhook-signature": signature };
    expect(fault(headers)).toBe("signature");
  });
});
