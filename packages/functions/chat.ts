/**
 * @module Alarms as messages of a chat: what CloudWatch publishes to the topic, posted to an incoming webhook. `{ "text" }` is what
 * Slack, Teams, Mattermost and others take. The address is a secret, and is never written anywhere.
 */
import { AtelierError } from "@atelier/core/errors";
import { startTurns } from "@atelier/core/turns";
import * as z from "zod";
import { parsedEvent, type Surroundings } from "./runtime.ts";

const TIMEOUT_MS = 10_000;

const topicEventSchema = z.object({ Records: z.array(z.object({ Sns: z.object({ Message: z.string() }) })) });

const alarmSchema = z.object({
  AlarmName: z.string(),
  AlarmDescription: z.string().nullish(),
  NewStateValue: z.enum(["ALARM", "OK", "INSUFFICIENT_DATA"]),
  StateChangeTime: z.string(),
});

export interface ChatDeps extends Pick<Surroundings, "telemetry"> {
  /** Of the incoming webhook. */
  readonly address: string;
}

/** @throws AtelierError `StorageUnavailable` when the chat does not take a message: SNS calls again; `ConfigurationInvalid` */
export async function tellChat(event: unknown, { address, telemetry }: ChatDeps): Promise<void> {
  checkAddress(address);
  const { Records } = parsedEvent(topicEventSchema, event);
  const turns = startTurns();
  for (const [index, { Sns }] of Records.entries()) {
    await turns.give(`message ${index + 1}`, async () => {
      const status = await post(address, messageOf(Sns.Message));
      telemetry.info("told", { status });
      if (status < 200 || status > 299) {
        throw new AtelierError(
          "StorageUnavailable",
          `The chat answered ${status}; the message is sent again.`,
        );
      }
    });
  }
  turns.end();
}

function checkAddress(address: string): void {
  const url = URL.canParse(address) ? new URL(address) : null;
  const isLoopback = url?.hostname === "127.0.0.1";
  if (url?.protocol === "https:" || isLoopback) return;
  throw new AtelierError(
    "ConfigurationInvalid",
    "The secret ChatWebhookUrl is no address that begins with https://; set it anew.",
  );
}

/** What is no alarm (SNS's own test, a person's message) is passed on as it stands. */
function messageOf(text: string): string {
  const alarm = alarmSchema.safeParse(jsonOrNull(text));
  if (!alarm.success) return text;
  const { AlarmName, AlarmDescription, NewStateValue, StateChangeTime } = alarm.data;
  const state = { ALARM: "ALARM", OK: "over", INSUFFICIENT_DATA: "not known" }[NewStateValue];
  return [`${state}: ${AlarmName} (${StateChangeTime})`, AlarmDescription ?? ""].join("\n").trim();
}

function jsonOrNull(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** @returns the status; 0 without an answer */
async function post(address: string, text: string): Promise<number> {
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ text }),
      redirect: "error",
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await answer.body?.cancel();
    return answer.status;
  } catch {
    // What fetch says may name the address.
    return 0;
  }
}
