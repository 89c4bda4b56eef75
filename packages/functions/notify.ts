/** @module The function that tells a chat of alarms. */
import { readSecret } from "@atelier/aws/secrets";
import { tellChat } from "./chat.ts";
import { lambdaHandler } from "./runtime.ts";

export const handler = lambdaHandler("notify", tellChat, (around) => ({
  ...around,
  address: readSecret("ChatWebhookUrl"),
}));
