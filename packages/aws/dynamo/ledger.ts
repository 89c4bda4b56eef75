/**
 * @module The ledger: one item per account and month, flat number attributes, each change one conditional UpdateItem.
 *
 *     m                 what the month has left          l.m l.d l.p.{provider} l.c.{category}   limits
 *     d.{yyyy-mm-dd}    what a day has left              h.{key}   a hold; 0 is a tombstone: applied
 *     p.{provider}      what a provider has left         openHolds how many h.* are above 0
 *     c.{category}      what a category has left         sweeps    how often h.* were removed
 *                                                        schema    number of this form
 *
 * A counter is its limit (0 without one) less all that was taken: scopes without a limit are counted below zero and
 * refuse nothing, so a cap set in the middle of a month knows what has been spent before it.
 *
 * Amounts are taken and given relatively, so concurrent holds do not disturb each other; only what a decision was based
 * on (limits, the hold itself, sweeps) is compared with the row that was read. When the SDK repeats an update whose
 * answer was lost, the repetition fails on its own effect (the hold stands, the tombstone stands, ...): the method says
 * false, the caller reads again and finds its work done.
 */
import { AtelierError } from "@atelier/core/errors";
import type { LedgerCounter, LedgerRow, LedgerStore } from "@atelier/core/ledger-store";
import { broughtForward, numbered } from "@atelier/core/schema-versions";
import type { Dynamo, Item } from "./client.ts";
import { ifAbsent, placeholders, type Update } from "./expressions.ts";
import { damaged } from "./failures.ts";
import { ledgerKey } from "./keys.ts";

export function createLedgerStore(dynamo: Dynamo): LedgerStore {
  async function update(row: LedgerRow, change: Update): Promise<boolean> {
    return (await dynamo.update(ledgerKey(row.account, row.month), change)).ok;
  }

  return {
    async read(account, month) {
      const item = await dynamo.get(ledgerKey(account, month));
      return item && rowOf(account, month, broughtForward("ledger", item));
    },

    async open(account, month, limits) {
      await dynamo.put(
        {
          ...Object.fromEntries(
            Object.entries(limits).map(([name, micros]) => [limitAttribute(name), micros]),
          ),
          ...numbered("ledger", { openHolds: 0, sweeps: 0 }),
          ...ledgerKey(account, month),
        },
        ifAbsent(),
      );
    },

    /** @throws AtelierError `Unexpected` for an amount that is not a whole number above 0: it would be a tombstone */
    async hold(row, { key, amountMicros, counters, openHoldsMax }) {
      if (!Number.isSafeInteger(amountMicros) || amountMicros <= 0) {
        throw new AtelierError(
          "Unexpected",
          `The hold ${key} is of ${amountMicros} micros; it must be above 0.`,
        );
      }
      // A counter that does not exist yet passes its condition whatever the amount.
      if (counters.some(({ limit }) => (row.limits[limit] ?? amountMicros) < amountMicros)) return false;
      const change = ledgerChange();
      const amount = change.value(amountMicros);
      for (const counter of counters) {
        const limit = change.limitIsAsRead(row, counter.limit);
        const name = change.name(counter.counter);
        change.set(`${name} = if_not_exists(${name}, ${limit ?? change.value(0)}) - ${amount}`);
        if (limit === undefined) continue;
        change.when(`(attribute_not_exists(${name}) OR ${name} >= ${amount})`);
      }
      const hold = change.name(holdAttribute(key));
      change.set(`${hold} = ${amount}`);
      change.when(`attribute_not_exists(${hold})`);
      const openHolds = change.name("openHolds");
      change.set(`${openHolds} = ${openHolds} + ${change.value(1)}`);
      change.when(`${openHolds} < ${change.value(openHoldsMax)}`);
      return update(row, change.compiled());
    },

    /** True at once when the row has a tombstone under the key. */
    async apply(row, { key, chargedMicros, counters }) {
      const heldMicros = row.holds[key];
      if (heldMicros === 0) return true;
      const change = ledgerChange();
      const hold = change.name(holdAttribute(key));
      change.set(`${hold} = ${change.value(0)}`);
      giveToCounters(change, row, counters, (heldMicros ?? 0) - chargedMicros);
      if (heldMicros === undefined) {
        change.when(`attribute_not_exists(${hold})`);
      } else {
        change.when(`${hold} = ${change.value(heldMicros)}`);
        oneHoldLess(change);
      }
      const sweeps = change.name("sweeps");
      change.when(`${sweeps} = ${change.value(row.sweeps)}`);
      return update(row, change.compiled());
    },

    /** At most 100 keys: an expression has 4 KB. */
    async sweep(row, keys) {
      if (keys.length === 0) return true;
      const change = ledgerChange();
      const zero = change.value(0);
      for (const key of keys) {
        const hold = change.name(holdAttribute(key));
        change.remove(hold);
        change.when(`${hold} = ${zero}`);
      }
      oneSweepMore(change);
      return update(row, change.compiled());
    },

    /** True at once when the row has no hold under the key. */
    async giveBack(row, key, counters) {
      const heldMicros = row.holds[key] ?? 0;
      if (heldMicros === 0) return true;
      const change = ledgerChange();
      const hold = change.name(holdAttribute(key));
      change.remove(hold);
      change.when(`${hold} = ${change.value(heldMicros)}`);
      giveToCounters(change, row, counters, heldMicros);
      oneHoldLess(change);
      oneSweepMore(change);
      return update(row, change.compiled());
    },

    async setLimit(row, { name, counter, limitMicros }) {
      const change = ledgerChange();
      const known = change.limitIsAsRead(row, name);
      const limitName = change.name(limitAttribute(name));
      const counterName = change.name(counter);
      if (limitMicros === null) change.remove(limitName);
      else change.set(`${limitName} = ${change.value(limitMicros)}`);
      const difference = change.value((limitMicros ?? 0) - (row.limits[name] ?? 0));
      change.set(
        `${counterName} = if_not_exists(${counterName}, ${known ?? change.value(0)}) + ${difference}`,
      );
      // The other conditions also hold for an item that does not exist.
      change.when(`attribute_exists(${change.name("pk")})`);
      return update(row, change.compiled());
    },
  };
}

type LedgerChange = ReturnType<typeof ledgerChange>;

function ledgerChange() {
  const { name, value, collected } = placeholders();
  const assignments: string[] = [];
  const removals: string[] = [];
  const conditions: string[] = [];
  return {
    name,
    value,
    set: (assignment: string) => assignments.push(assignment),
    remove: (attribute: string) => removals.push(attribute),
    when: (condition: string) => conditions.push(condition),
    /** @returns the placeholder of the limit's amount, or undefined when the scope has no limit */
    limitIsAsRead(row: LedgerRow, limit: string): string | undefined {
      const attribute = name(limitAttribute(limit));
      const limitMicros = row.limits[limit];
      if (limitMicros === undefined) {
        conditions.push(`attribute_not_exists(${attribute})`);
        return undefined;
      }
      const placeholder = value(limitMicros);
      conditions.push(`${attribute} = ${placeholder}`);
      return placeholder;
    },
    compiled: (): Update => ({
      UpdateExpression: [
        assignments.length > 0 ? `SET ${assignments.join(", ")}` : "",
        removals.length > 0 ? `REMOVE ${removals.join(", ")}` : "",
      ]
        .filter((clause) => clause !== "")
        .join(" "),
      ConditionExpression: conditions.join(" AND "),
      ...collected(),
    }),
  };
}

/** Negative amounts are taken. Limits must be as read: a counter that does not exist yet begins at its limit. */
function giveToCounters(
  change: LedgerChange,
  row: LedgerRow,
  counters: readonly LedgerCounter[],
  amountMicros: number,
): void {
  if (amountMicros === 0) return;
  for (const counter of counters) {
    const limit = change.limitIsAsRead(row, counter.limit) ?? change.value(0);
    const name = change.name(counter.counter);
    change.set(`${name} = if_not_exists(${name}, ${limit}) + ${change.value(amountMicros)}`);
  }
}

function oneHoldLess(change: LedgerChange): void {
  const openHolds = change.name("openHolds");
  change.set(`${openHolds} = ${openHolds} - ${change.value(1)}`);
}

function oneSweepMore(change: LedgerChange): void {
  const sweeps = change.name("sweeps");
  change.set(`${sweeps} = ${sweeps} + ${change.value(1)}`);
}

function limitAttribute(name: string): string {
  return `l.${name}`;
}

function holdAttribute(key: string): string {
  return `h.${key}`;
}

function rowOf(account: LedgerRow["account"], month: string, item: Item): LedgerRow {
  const remaining: Record<string, number> = {};
  const limits: Record<string, number> = {};
  const holds: Record<string, number> = {};
  const integer = (attribute: string): number => {
    const value = item[attribute];
    if (Number.isSafeInteger(value)) return value as number;
    throw damaged(ledgerKey(account, month), new Error(`${attribute} is not a whole number`));
  };
  for (const attribute of Object.keys(item)) {
    if (attribute.startsWith("l.")) limits[attribute.slice(2)] = integer(attribute);
    else if (attribute.startsWith("h.")) holds[attribute.slice(2)] = integer(attribute);
    else if (attribute === "m" || /^[dpc]\./.test(attribute)) remaining[attribute] = integer(attribute);
  }
  return {
    account,
    month,
    remaining,
    limits,
    holds,
    openHolds: integer("openHolds"),
    sweeps: integer("sweeps"),
  };
}
