/**
 * @module Compiles changes, conditions and key ranges into DynamoDB's expressions. Expression strings are built here and
 * in `ledger.ts`, nowhere else.
 */

import { AtelierError } from "@atelier/core/errors";
import type { Change, Condition } from "@atelier/core/ports";
import { SCHEMA } from "@atelier/core/schema-versions";
import type { QueryCommandInput, UpdateItemCommandInput } from "@aws-sdk/client-dynamodb";
import { convertToAttr, type NativeAttributeValue } from "@aws-sdk/util-dynamodb";
import { INDEXES, type IndexName } from "./keys.ts";

export type Update = Pick<
  UpdateItemCommandInput,
  | "UpdateExpression"
  | "ConditionExpression"
  | "ExpressionAttributeNames"
  | "ExpressionAttributeValues"
  | "ReturnValues"
>;
export type Precondition = Pick<
  Update,
  "ConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
>;
export type KeyRange = Pick<
  QueryCommandInput,
  "KeyConditionExpression" | "ExpressionAttributeNames" | "ExpressionAttributeValues"
>;

/** `undefined` is never stored; null is stored as NULL; an empty string stays one; an object is a map. */
export const MARSHALLING = { removeUndefinedValues: true, convertClassInstanceToMap: true } as const;

/** Collects the names and values that an expression refers to, each under a placeholder of its own. */
export function placeholders() {
  const names = new Map<string, string>();
  const values: NativeAttributeValue[] = [];
  return {
    name(attribute: string): string {
      const known = names.get(attribute);
      if (known !== undefined) return known;
      const placeholder = `#n${names.size}`;
      names.set(attribute, placeholder);
      return placeholder;
    },
    value(value: NativeAttributeValue): string {
      values.push(value);
      return `:v${values.length - 1}`;
    },
    /** DynamoDB refuses empty maps of either, so they are left out. */
    collected(): Pick<Update, "ExpressionAttributeNames" | "ExpressionAttributeValues"> {
      return {
        ...(names.size > 0 && {
          ExpressionAttributeNames: Object.fromEntries([...names].map(([name, key]) => [key, name])),
        }),
        ...(values.length > 0 && {
          ExpressionAttributeValues: Object.fromEntries(
            values.map((value, index) => [`:v${index}`, convertToAttr(value, MARSHALLING)]),
          ),
        }),
      };
    },
  };
}
type Placeholders = ReturnType<typeof placeholders>;

/** Index attributes that a change brings with it. */
export interface IndexChange {
  readonly set?: Readonly<Record<string, string>>;
  readonly remove?: readonly string[];
}

/**
 * One UpdateItem that writes the fields IF the record exists and all conditions hold, and returns the record after it.
 * An absent and a null field are the same to every condition: `equals null` means absent, `differs null` present.
 *
 * @throws AtelierError `Unexpected` for a comparison with an object or a list: engines disagree about them
 */
export function compileChange<T>(change: Change<T>, index: IndexChange = {}): Update {
  const collect = placeholders();
  const assignments = [...Object.entries(change.set), ...Object.entries(index.set ?? {})]
    .filter(([, value]) => value !== undefined)
    .map(([field, value]) => `${collect.name(field)} = ${collect.value(value)}`);
  const removals = (index.remove ?? []).map(collect.name);
  const clauses = [
    assignments.length > 0 ? `SET ${assignments.join(", ")}` : "",
    removals.length > 0 ? `REMOVE ${removals.join(", ")}` : "",
  ].filter((clause) => clause !== "");
  const conditions = [
    `attribute_exists(${collect.name("pk")})`,
    ...change.when.map((condition) => compileCondition(condition as LooseCondition, collect)),
  ];
  return {
    ...(clauses.length > 0 && { UpdateExpression: clauses.join(" ") }),
    ConditionExpression: conditions.join(" AND "),
    ...collect.collected(),
    ReturnValues: "ALL_NEW",
  };
}

/** A put that leaves an existing item alone. */
export function ifAbsent(): Precondition {
  return { ConditionExpression: "attribute_not_exists(pk)" };
}

/** A put over the very item that was read. `value` null: the item, or this attribute of it, did not exist. */
export function ifUnchangedSince(attribute: string, value: number | string | null): Precondition {
  const collect = placeholders();
  const name = collect.name(attribute);
  return {
    ConditionExpression:
      value === null ? `attribute_not_exists(${name})` : `${name} = ${collect.value(value)}`,
    ...collect.collected(),
  };
}

/** A put over anything but an item of a higher schema number. */
export function ifNotNewer(number: number): Precondition {
  const collect = placeholders();
  const name = collect.name(SCHEMA);
  return {
    ConditionExpression: `attribute_not_exists(${name}) OR ${name} <= ${collect.value(number)}`,
    ...collect.collected(),
  };
}

/** One more in a counter, which begins at 0, and fields beside it; returns the item after it. */
export function counting(counter: string, set: Readonly<Record<string, number>>): Update {
  const collect = placeholders();
  const assignments = Object.entries(set).map(
    ([field, value]) => `${collect.name(field)} = ${collect.value(value)}`,
  );
  return {
    UpdateExpression: `SET ${assignments.join(", ")} ADD ${collect.name(counter)} ${collect.value(1)}`,
    ...collect.collected(),
    ReturnValues: "ALL_NEW",
  };
}

/** One hash of the table or of an index, and the part of its range from `first` to `last`, both included. */
export interface Range {
  readonly index?: IndexName;
  readonly hash: string;
  readonly first: string;
  readonly last: string;
}

export function compileRange(range: Range): KeyRange {
  const collect = placeholders();
  const attributes = range.index === undefined ? { hash: "pk", range: "sk" } : INDEXES[range.index];
  const hash = `${collect.name(attributes.hash)} = ${collect.value(range.hash)}`;
  const between = `${collect.name(attributes.range)} BETWEEN ${collect.value(range.first)} AND ${collect.value(range.last)}`;
  return { KeyConditionExpression: `${hash} AND ${between}`, ...collect.collected() };
}

/** `Condition<T>` without the knowledge of which field has which type. */
type LooseCondition =
  | { field: string; is: "absent" | "present" }
  | { field: string; is: "equals" | "differs" | "absent-or-equals"; value: unknown }
  | { field: string; is: "one-of"; values: readonly unknown[] }
  | { field: string; is: "below" | "at-least"; value: number };

function compileCondition(condition: LooseCondition, collect: Placeholders): string {
  if (condition.is === "one-of" && condition.values.length === 0) {
    // One of nothing: never true, since the record exists.
    return `attribute_not_exists(${collect.name("pk")})`;
  }
  const name = collect.name(condition.field);
  // Parentheses only where they are needed: DynamoDB refuses redundant ones.
  const absentTerms = () =>
    `attribute_not_exists(${name}) OR attribute_type(${name}, ${collect.value("NULL")})`;
  const absent = () => `(${absentTerms()})`;
  const scalar = (value: unknown) => {
    if (value !== null && typeof value === "object") {
      throw new AtelierError(
        "Unexpected",
        `The condition on ${condition.field} compares with an object; compare a plain value or its presence.`,
      );
    }
    return collect.value(value);
  };
  switch (condition.is) {
    case "absent":
      return absent();
    case "present":
      return `NOT ${absent()}`;
    case "equals":
      return isNothing(condition.value) ? absent() : `${name} = ${scalar(condition.value)}`;
    case "differs":
      return isNothing(condition.value)
        ? `NOT ${absent()}`
        : `(attribute_not_exists(${name}) OR ${name} <> ${scalar(condition.value)})`;
    case "absent-or-equals":
      return isNothing(condition.value)
        ? absent()
        : `(${absentTerms()} OR ${name} = ${scalar(condition.value)})`;
    case "one-of": {
      // Not IN: the embedded engine finds no empty string and no false with it.
      const terms = condition.values
        .filter((value) => !isNothing(value))
        .map((value) => `${name} = ${scalar(value)}`);
      if (terms.length < condition.values.length) terms.push(absentTerms());
      return `(${terms.join(" OR ")})`;
    }
    case "below":
      return `${name} < ${scalar(condition.value)}`;
    case "at-least":
      return `${name} >= ${scalar(condition.value)}`;
  }
}

function isNothing(value: unknown): boolean {
  return value === null || value === undefined;
}

/** Conditions that the fields still are as they were seen. */
export function unchanged<T>(record: T, fields: readonly (keyof T & string)[]): Condition<T>[] {
  return fields.map((field) => ({ field, is: "equals", value: record[field] }) as Condition<T>);
}
