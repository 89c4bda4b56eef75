/**
 * @module Ways in which people disguise words from a filter, one family each. A mutation keeps a phrase legible to a reader
 * or to an image program. Everything random comes from the given generator, so that a seed repeats a run.
 */

/** From 0 to less than 1. */
export type Random = () => number;
export type Mutation = (phrase: string, random: Random) => string;

/** Mulberry32: 32 bits of state, the same numbers on every machine. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const MUTATIONS: Readonly<Record<string, Mutation>> = {
  letterCase: (phrase, random) =>
    eachLetter(phrase, (letter) => (random() < 0.5 ? letter.toUpperCase() : letter.toLowerCase())),
  compatibility: (phrase, random) => someLetters(phrase, random, (letter) => styled(letter, random)),
  confusables: (phrase, random) =>
    someLetters(phrase, random, (letter) => picked(LOOK_ALIKES[letter.toLowerCase()] ?? letter, random)),
  invisible: (phrase, random) => betweenLetters(phrase, random, 0.4, () => picked(INVISIBLE, random)),
  marks: (phrase, random) =>
    someLetters(
      phrase,
      random,
      (letter) => letter + String.fromCodePoint(0x300 + Math.floor(random() * 0x30)),
    ),
  leet: (phrase, random) =>
    someLetters(phrase, random, (letter) => picked(LEET[letter.toLowerCase()] ?? letter, random)),
  spaced: (phrase, random) => {
    const separator = picked(SEPARATORS, random);
    return phrase
      .split(" ")
      .map((word) => [...word].join(separator))
      .join(separator === " " ? "  " : " ");
  },
  broken: (phrase, random) =>
    phrase
      .split(" ")
      .map((word) => brokenOnce(word, random, picked([" ", "-", ".", "_", "\n", "/", ", ", "·"], random)))
      .join(" "),
  repeated: (phrase, random) =>
    someLetters(phrase, random, (letter) => letter.repeat(2 + Math.floor(random() * 4))),
  emoji: (phrase, random) =>
    random() < 0.5
      ? someLetters(phrase, random, (letter) => emojiLetter(letter, random))
      : betweenLetters(phrase, random, 0.3, () => picked(["✨", "🌸", "❤️", "🔥", "👩‍🎨"], random)),
  entities: (phrase, random) => someLetters(phrase, random, (letter) => entity(letter, random)),
  weights: (phrase, random) => weighted(phrase, random),
  separators: (phrase, random) => {
    const words = phrase.split(" ");
    const separator = picked([" BREAK ", " AND ", " | ", ":: ", " , "], random);
    return words.length > 1 && random() < 0.5
      ? words.join(separator)
      : words.map((word) => brokenOnce(word, random, picked([" BREAK ", " AND "], random))).join(" ");
  },
  combined: (phrase, random) => {
    const names = ["letterCase", "compatibility", "invisible", "marks", "entities", "weights", "emoji"];
    const first = MUTATIONS[picked(names, random)];
    const second = MUTATIONS[picked(["letterCase", "compatibility", "invisible", "marks"], random)];
    return (first ?? same)((second ?? same)(phrase, random), random);
  },
};

const same: Mutation = (phrase) => phrase;

function picked<T>(choices: readonly T[] | string, random: Random): T {
  const list = typeof choices === "string" ? ([...choices] as unknown as readonly T[]) : choices;
  return list[Math.floor(random() * list.length)] as T;
}

function eachLetter(phrase: string, change: (letter: string) => string): string {
  return [...phrase.normalize("NFC")]
    .map((character) => (/\p{L}/u.test(character) ? change(character) : character))
    .join("");
}

/** About half of the letters, and at least one. */
function someLetters(phrase: string, random: Random, change: (letter: string) => string): string {
  const letters = [...phrase.normalize("NFC")].filter((character) => /\p{L}/u.test(character)).length;
  const surely = Math.floor(random() * letters);
  let at = -1;
  return eachLetter(phrase, (letter) => {
    at++;
    return at === surely || random() < 0.5 ? change(letter) : letter;
  });
}

function betweenLetters(phrase: string, random: Random, share: number, make: () => string): string {
  return phrase.replace(/(?<=\p{L})(?=\p{L})/gu, () => (random() < share ? make() : ""));
}

function brokenOnce(word: string, random: Random, separator: string): string {
  const letters = [...word];
  if (letters.length < 3) return word;
  const at = 1 + Math.floor(random() * (letters.length - 1));
  return letters.slice(0, at).join("") + separator + letters.slice(at).join("");
}

/** Mathematical and full-width alphabets, by the code point of "a" (and "A" 26 before, but for full width). */
const ALPHABETS = [
  0x1d41a, 0x1d44e, 0x1d482, 0x1d5ba, 0x1d5ee, 0x1d622, 0x1d656, 0x1d68a, 0x1d552, 0x1d586, 0x24d0, 0xff41,
];

function styled(letter: string, random: Random): string {
  const at = letter.toLowerCase().charCodeAt(0) - 97;
  if (letter.length > 1 || at < 0 || at > 25) return letter;
  const code = picked(ALPHABETS, random) + at;
  // Two places in the italic and script alphabets were left free, because those letters existed already.
  return code === 0x1d455 ? "ℎ" : String.fromCodePoint(code);
}

const LOOK_ALIKES: Readonly<Record<string, readonly string[]>> = {
  a: ["а", "ɑ", "α"],
  b: ["Ь", "ʙ", "β"].slice(1),
  c: ["с", "ϲ", "ᴄ"],
  d: ["ԁ", "ɗ", "ᴅ"],
  e: ["е", "ҽ", "ε"],
  f: ["ƒ", "ꜰ"],
  g: ["ɡ", "ɢ", "ǥ"],
  h: ["һ", "ʜ", "ħ"],
  i: ["і", "ı", "ι"],
  j: ["ј", "ϳ"],
  k: ["κ", "к", "ƙ"],
  l: ["ӏ", "ł", "ʟ"],
  m: ["м", "ᴍ"],
  n: ["ո", "ɴ", "η"],
  o: ["о", "ο", "օ"],
  p: ["р", "ρ", "ᴘ"],
  q: ["ԛ", "ɋ"],
  r: ["ʀ", "ɍ", "г"],
  s: ["ѕ", "ꜱ", "ʂ"],
  t: ["т", "τ", "ᴛ"],
  u: ["υ", "ս", "ᴜ"],
  v: ["ѵ", "ν", "ᴠ"],
  w: ["ԝ", "ω", "ᴡ"],
  x: ["х", "χ"],
  y: ["у", "ү", "ʏ"],
  z: ["ᴢ", "ƶ", "ζ"],
};
const INVISIBLE = [
  "\u200b",
  "\u200c",
  "\u200d",
  "\u2060",
  "\u00ad",
  "\ufeff",
  "\u034f",
  "\u180e",
  "\ufe0f",
  "\u202e",
  "\u2062",
];
const LEET: Readonly<Record<string, string>> = {
  a: "4@",
  b: "8",
  e: "3€",
  g: "96",
  i: "1!|",
  l: "1|",
  o: "0",
  s: "5$",
  t: "7+",
  z: "2",
};
const SEPARATORS = [" ", ".", "-", "_", "*", "/", "·", "~", "\n", " . ", "—", "+"];

function emojiLetter(letter: string, random: Random): string {
  const at = letter.toLowerCase().charCodeAt(0) - 97;
  if (letter.length > 1 || at < 0 || at > 25) return letter;
  return String.fromCodePoint(picked([0x1f1e6, 0x1f150, 0x1f170, 0x1f130], random) + at);
}

function entity(letter: string, random: Random): string {
  const code = letter.codePointAt(0) ?? 0;
  return picked(
    [
      `&#${code};`,
      `&#x${code.toString(16)};`,
      `&#0${code};`,
      `&#X${code.toString(16).toUpperCase()};`,
      `&amp;#${code};`,
    ],
    random,
  );
}

function weighted(phrase: string, random: Random): string {
  const weight = (0.5 + random() * 1.5).toFixed(1);
  const inner = phrase
    .split(" ")
    .map((word) => {
      const letters = [...word];
      if (letters.length < 4) return word;
      const from = 1 + Math.floor(random() * (letters.length - 2));
      return `${letters.slice(0, from).join("")}(${letters.slice(from, -1).join("")}:${weight})${letters.at(-1) ?? ""}`;
    })
    .join(" ");
  return picked(
    [
      `(${phrase}:${weight})`,
      `((${phrase}))`,
      `[${phrase}]`,
      `{${phrase}}`,
      `[[${phrase}:${weight}]]`,
      `${phrase}::${weight}`,
      `{${phrase}|landscape}`,
      `[landscape:${phrase}:${weight}]`,
      `<lora:${phrase}:${weight}>`,
      inner,
    ],
    random,
  );
}
