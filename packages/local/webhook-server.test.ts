import { webhookPath } from "@atelier/core/webhook";
import { expect, test } from "vitest";
import { openWebhookServer } from "./webhook-server.ts";

test("a notification that cannot be taken in is asked for again, and somebody is told why", async () => {
  const away = new Error("the table does not answer");
  const told: unknown[] = [];
  const webhookKey = Buffer.from("a key");
  const fail = () => Promise.reject(away);
  const deps = {
    attempts: { get: fail },
    providerOf: () => ({ parseWebhook: fail }),
    modelOf: () => ({}),
    webhookKey,
    clock: () => 0,
    onFault: (error: unknown) => told.push(error),
  } as unknown as Parameters<typeof openWebhookServer>[1];
  const server = await openWebhookServer(0, deps);
  try {
    const path = webhookPath("replicate", "img_x_00000-1", webhookKey);
    const answer = await fetch(server.url + path, { method: "POST", body: "{}" });
    expect([answer.status, await answer.text()]).toStrictEqual([500, "Try again."]);
    expect(told).toMatchObject([{ message: "webhook: Error: the table does not answer", cause: away }]);
  } finally {
    await server.close();
  }
});
