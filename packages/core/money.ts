/** @module Money as integer micro-USD. One US dollar is 1,000,000 micros; no floating point is ever added up. */
import * as z from "zod";
import { AtelierError } from "./errors.ts";

/** Integer micro-USD. Negative only as a remaining amount after a provider charged more than was held. */
export type Micros = number;

export const MICROS_PER_USD = 1_000_000;

/** An amount that somebody may spend: a whole, non-negative number of micro-USD. */
export const amountMicrosSchema = z.int().nonnegative();

/**
 * Reads an amount of US dollars written by a person ("0.05", 12, "12.5").
 *
 * @param value dollars; at most six decimals, not negative, below one billion
 * @param where what the amount belongs to, for the message ("--max-cost", "ATELIER_BUDGET_USD")
 * @throws AtelierError `UsageError` when the value is not such an amount
 */
export function microsFromUsd(value: string | number, where: string): Micros {
  const text = typeof value === "number" ? numberText(value) : value.trim();
  const match = /^(\d{1,9})(?:\.(\d{1,6}))?$/.exec(text);
  if (!match) {
    throw new AtelierError(
      "UsageError",
      `${where} is "${String(value)}", but must be an amount in US dollars from 0 with at most six decimals, such as 2.50.`,
    );
  }
  return Number(match[1]) * MICROS_PER_USD + Number((match[2] ?? "").padEnd(6, "0"));
}

/** The JSON number of dollars that documents carry (`0.05`), exact to the micro. */
export function usdFromMicros(amountMicros: Micros): number {
  return amountMicros / MICROS_PER_USD;
}

/** Dollars for people: two decimals at least, six at most ("$0.05", "$0.0125", "-$1.00"). */
export function formatUsd(amountMicros: Micros): string {
  const sign = amountMicros < 0 ? "-" : "";
  const absolute = Math.abs(amountMicros);
  const whole = Math.trunc(absolute / MICROS_PER_USD);
  const fraction = String(absolute % MICROS_PER_USD)
    .padStart(6, "0")
    .replace(/0{1,4}$/, "");
  return `${sign}$${whole}.${fraction}`;
}

/** Plain decimal notation: `String(1e-7)` would give an exponent. */
function numberText(value: number): string {
  return Number.isFinite(value) && value !== 0 && Math.abs(value) < 1e-6 ? value.toFixed(12) : String(value);
}
