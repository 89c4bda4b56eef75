/** @module Fields that several of the public documents have, described once. */
import * as z from "zod";

/** A time, RFC 3339 in UTC. */
export function instant(description: string) {
  return z.string().meta({ description, format: "date-time" });
}

/** What a picture, or several, cost. */
export const pricedSchema = z
  .object({
    list: z.number().describe("What the provider's list says, in US dollars."),
    most: z
      .number()
      .describe("What it can cost at most, in US dollars: so much is set aside before the purchase."),
  })
  .describe("In US dollars.");

export const failureSchema = z.object({
  name: z.string().describe("A name of the error table."),
  message: z.string().describe("What was wrong, for people."),
});
