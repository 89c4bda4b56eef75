/**
 * @module DynamoDB's expressions over an item in memory: as much of the language as `packages/aws/dynamo` writes, read by its
 * grammar. Whatever else comes is refused, so that nothing passes by being misread.
 */
import type { AttributeValue } from "@aws-sdk/client-dynamodb";

export type Attributes = Readonly<Record<string, AttributeValue>>;

export interface Placeholders {
  readonly names: Readonly<Record<string, string>>;
  readonly values: Attributes;
}

type Condition = (item: Attributes | undefined, given: Placeholders) => boolean;
type Operand = (item: Attributes | undefined, given: Placeholders) => AttributeValue | undefined;
type Change = (before: Attributes, given: Placeholders, after: Record<string, AttributeValue>) => void;

/** A condition without text holds. */
export function holds(text: string | undefined, item: Attributes | undefined, given: Placeholders): boolean {
  if (text === undefined) return true;
  return compiled(conditions, text, () => readWhole(text, readOr))(item, given);
}

/** The item after `SET ... REMOVE ...`; all right-hand sides see it as it was before. */
export function updated(
  text: string | undefined,
  before: Attributes,
  given: Placeholders,
): Record<string, AttributeValue> {
  const after = { ...before };
  if (text === undefined) return after;
  for (const change of compiled(changes, text, () => readWhole(text, readUpdate)))
    change(before, given, after);
  return after;
}

/** Whether two values are the same; by text, since a number has one way to be written here. */
function isSame(one: AttributeValue, other: AttributeValue): boolean {
  return JSON.stringify(one) === JSON.stringify(other);
}

const conditions = new Map<string, Condition>();
const changes = new Map<string, readonly Change[]>();

/** Texts recur: values and names are placeholders. */
function compiled<T>(cache: Map<string, T>, text: string, read: () => T): T {
  const known = cache.get(text);
  if (known !== undefined) return known;
  const made = read();
  if (cache.size < 5_000) cache.set(text, made);
  return made;
}

// ---------------------------------------------------------------------------------------------- the grammar

class Words {
  readonly #words: readonly string[];
  #at = 0;

  constructor(text: string) {
    this.#words = text.match(/<>|<=|>=|[()=<>,+-]|[#:]?\w+/g) ?? [];
    if (this.#words.join("") !== text.replaceAll(/\s+/g, "")) throw unreadable(text);
  }

  peek(): string | undefined {
    return this.#words[this.#at];
  }

  next(): string {
    const word = this.#words[this.#at++];
    if (word === undefined) throw new Error("The expression ends too early.");
    return word;
  }

  take(word: string): boolean {
    if (this.peek() !== word) return false;
    this.#at++;
    return true;
  }

  expect(word: string): void {
    const found = this.next();
    if (found !== word) throw new Error(`The expression has ${found} where ${word} should be.`);
  }
}

function readWhole<T>(text: string, read: (words: Words) => T): T {
  const words = new Words(text);
  const result = read(words);
  if (words.peek() !== undefined) throw unreadable(text);
  return result;
}

function unreadable(text: string): Error {
  return new Error(`The expression cannot be read: ${text}`);
}

function readOr(words: Words): Condition {
  const terms = [readAnd(words)];
  while (words.take("OR")) terms.push(readAnd(words));
  return terms.length === 1 && terms[0] ? terms[0] : (item, given) => terms.some((term) => term(item, given));
}

function readAnd(words: Words): Condition {
  const terms = [readNot(words)];
  while (words.take("AND")) terms.push(readNot(words));
  return (item, given) => terms.every((term) => term(item, given));
}

function readNot(words: Words): Condition {
  if (words.take("NOT")) {
    const negated = readNot(words);
    return (item, given) => !negated(item, given);
  }
  if (words.take("(")) {
    const inner = readOr(words);
    words.expect(")");
    return inner;
  }
  const first = words.next();
  return words.peek() === "(" ? readFunction(first, words) : readComparison(readOperand(first), words);
}

function readFunction(name: string, words: Words): Condition {
  words.expect("(");
  const subject = readOperand(words.next());
  if (name === "attribute_type") {
    words.expect(",");
    const type = readOperand(words.next());
    words.expect(")");
    return (item, given) => {
      const value = subject(item, given);
      return value !== undefined && typeof type(item, given)?.S === "string"
        ? Object.hasOwn(value, type(item, given)?.S ?? "")
        : false;
    };
  }
  words.expect(")");
  if (name === "attribute_exists") return (item, given) => subject(item, given) !== undefined;
  if (name === "attribute_not_exists") return (item, given) => subject(item, given) === undefined;
  throw new Error(`There is no function ${name} here.`);
}

function readComparison(left: Operand, words: Words): Condition {
  const sign = words.next();
  const right = readOperand(words.next());
  const compare = COMPARISONS[sign];
  if (!compare) throw new Error(`There is no comparison ${sign} here.`);
  return (item, given) => {
    const one = left(item, given);
    const other = right(item, given);
    return one === undefined || other === undefined ? sign === "<>" : compare(one, other);
  };
}

const COMPARISONS: Readonly<Record<string, (one: AttributeValue, other: AttributeValue) => boolean>> = {
  "=": isSame,
  "<>": (one, other) => !isSame(one, other),
  "<": (one, other) => isNumber(one, other) && Number(one.N) < Number(other.N),
  ">=": (one, other) => isNumber(one, other) && Number(one.N) >= Number(other.N),
};

function isNumber(...values: readonly AttributeValue[]): boolean {
  return values.every((value) => value.N !== undefined);
}

function readOperand(word: string): Operand {
  if (word.startsWith(":")) {
    return (_item, { values }) => {
      const value = values[word];
      if (value === undefined) throw new Error(`No value is given for ${word}.`);
      return value;
    };
  }
  return (item, given) => item?.[nameOf(word, given)];
}

function nameOf(word: string, { names }: Placeholders): string {
  if (!word.startsWith("#")) return word;
  const name = names[word];
  if (name === undefined) throw new Error(`No name is given for ${word}.`);
  return name;
}

function readUpdate(words: Words): readonly Change[] {
  const read: Change[] = [];
  while (words.peek() !== undefined) {
    const clause = words.next();
    const readOne = clause === "SET" ? readAssignment : clause === "REMOVE" ? readRemoval : undefined;
    if (!readOne) throw new Error(`There is no clause ${clause} here.`);
    do read.push(readOne(words));
    while (words.take(","));
  }
  return read;
}

function readAssignment(words: Words): Change {
  const target = words.next();
  words.expect("=");
  const first = readTerm(words);
  const sign = words.take("+") ? 1 : words.take("-") ? -1 : 0;
  const second = sign === 0 ? undefined : readTerm(words);
  return (before, given, after) => {
    const value = needed(first(before, given));
    after[nameOf(target, given)] = second ? sum(value, sign, needed(second(before, given))) : value;
  };
}

function readRemoval(words: Words): Change {
  const target = words.next();
  return (_before, given, after) => {
    delete after[nameOf(target, given)];
  };
}

function readTerm(words: Words): Operand {
  const word = words.next();
  if (word !== "if_not_exists") return readOperand(word);
  words.expect("(");
  const wanted = readOperand(words.next());
  words.expect(",");
  const otherwise = readOperand(words.next());
  words.expect(")");
  return (item, given) => wanted(item, given) ?? otherwise(item, given);
}

function needed(value: AttributeValue | undefined): AttributeValue {
  if (value === undefined) throw new Error("The update refers to an attribute that does not exist.");
  return value;
}

function sum(one: AttributeValue, sign: number, other: AttributeValue): AttributeValue {
  if (!isNumber(one, other)) throw new Error("Only numbers can be added.");
  return { N: String(Number(one.N) + sign * Number(other.N)) };
}
