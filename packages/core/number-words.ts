/** @module Numbers in words in English, French, Spanish, German, Italian and Portuguese, as they are after folding. */

/** Words without blanks ("thirtytwo", "dixsept") to the number from 2 to 99 that they say. */
export const NUMBER_WORDS: ReadonlyMap<string, number> = new Map([
  ...english(),
  ...french(),
  ...spanish(),
  ...german(),
  ...italian(),
  ...portuguese(),
]);

/** Number words that mean something else as well: they count only directly before a word such as "years". */
export const AMBIGUOUS_NUMBER_WORDS: ReadonlySet<string> = new Set(
  "once elf dos due tres tre sei six neuf nove nueve sept sette otto quince cent dix six dos set sete oito sieben cinque".split(
    " ",
  ),
);

type Entry = [string, number];

/** A list of words, counted from a number. */
function counted(from: number, words: string): Entry[] {
  return words
    .split(" ")
    .flatMap((spellings, at) => spellings.split("/").map((word): Entry => [word, from + at]));
}

/** Each ten, alone and with each one of 1 to 9. */
function composed(
  tens: readonly Entry[],
  ones: readonly Entry[],
  join: (ten: string, one: string) => string,
): Entry[] {
  return tens.flatMap(([ten, tenNumber]) => [
    [ten, tenNumber] satisfies Entry,
    ...ones.map(([one, number]): Entry => [join(ten, one), tenNumber + number]),
  ]);
}

/** Words for 20, 30 and so on. */
function tensOf(words: string): Entry[] {
  return counted(2, words).map(([word, ten]) => [word, ten * 10]);
}

function english(): Entry[] {
  const ones = counted(1, "one two three four five six seven eight nine");
  return [
    ...ones.slice(1),
    ...counted(10, "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen"),
    ...composed(
      tensOf("twenty thirty forty/fourty fifty sixty seventy eighty ninety"),
      ones,
      (ten, one) => ten + one,
    ),
  ];
}

function french(): Entry[] {
  const ones = counted(1, "un/une deux trois quatre cinq six sept huit neuf");
  const teens = counted(10, "dix onze douze treize quatorze quinze seize dixsept dixhuit dixneuf");
  const tens = [
    ...counted(2, "vingt trente quarante cinquante soixante"),
    ...counted(7, "septante huitante nonante"),
  ].map(([word, ten]): Entry => [word, ten * 10]);
  const join = (ten: string, one: string) => ten + (one.startsWith("un") ? "et" : "") + one;
  return [
    ...ones.slice(2),
    ...teens,
    ...composed(tens, ones, join),
    ...teens.map(([word, number]): Entry => [`soixante${word}`, 60 + number]),
    ["soixanteetonze", 71],
    ["quatrevingts", 80],
    ...composed([["quatrevingt", 80]], [...ones, ...teens], (ten, one) => ten + one),
  ];
}

function spanish(): Entry[] {
  const ones = counted(1, "uno/un/una dos tres cuatro cinco seis siete ocho nueve");
  const tens = tensOf("veinte treinta cuarenta cincuenta sesenta setenta ochenta noventa");
  return [
    ...ones.slice(3),
    ...counted(
      10,
      "diez once doce trece catorce quince dieciseis/diezyseis diecisiete/diezysiete dieciocho/diezyocho diecinueve",
    ),
    ...ones.map(([word, number]): Entry => [`veinti${word}`, 20 + number]),
    ...composed(tens, ones, (ten, one) => `${ten}y${one}`),
  ];
}

function german(): Entry[] {
  const ones = counted(1, "ein/eins zwei drei vier funf/fuenf sechs sieben acht neun");
  const tens = tensOf("zwanzig dreissig/dreizig vierzig funfzig/fuenfzig sechzig siebzig achtzig neunzig");
  return [
    ...ones.slice(2),
    ...counted(
      10,
      "zehn elf zwolf/zwoelf dreizehn vierzehn funfzehn/fuenfzehn sechzehn siebzehn achtzehn neunzehn",
    ),
    ...composed(tens, ones, (ten, one) => `${one}und${ten}`),
  ];
}

function italian(): Entry[] {
  const ones = counted(1, "uno due tre quattro cinque sei sette otto nove");
  const tens = tensOf("venti trenta quaranta cinquanta sessanta settanta ottanta novanta");
  return [
    ...ones.slice(1),
    ...counted(10, "dieci undici dodici tredici quattordici quindici sedici diciassette diciotto diciannove"),
    // The last vowel of the ten is dropped before a vowel: ventuno, trentotto.
    ...composed(tens, ones, (ten, one) => (/^[uo]/.test(one) ? ten.slice(0, -1) : ten) + one),
  ];
}

function portuguese(): Entry[] {
  const ones = counted(1, "um/uma dois/duas tres quatro cinco seis sete oito nove");
  const tens = tensOf("vinte trinta quarenta cinquenta sessenta setenta oitenta noventa");
  return [
    ...ones.slice(2),
    ...counted(
      10,
      "dez onze doze treze quatorze/catorze quinze dezesseis/dezasseis dezessete/dezassete dezoito dezenove/dezanove",
    ),
    ...composed(tens, ones, (ten, one) => `${ten}e${one}`),
  ];
}

/** "quindicenne": the Italian noun for somebody of that age, one and several, to the age. */
export const ITALIAN_AGE_NOUNS: ReadonlyMap<string, number> = new Map(
  italian()
    .filter(([, number]) => number >= 5)
    .flatMap(([word, number]) =>
      ["enne", "enni"].map((ending): Entry => [word.replace(/[aeiou]$/, "") + ending, number]),
    ),
);

/** "sixteenth": English ordinals from 5 to 18, for birthdays. */
export const ORDINAL_WORDS: ReadonlyMap<string, number> = new Map(
  counted(
    5,
    "fifth sixth seventh eighth ninth tenth eleventh twelfth thirteenth fourteenth fifteenth sixteenth seventeenth eighteenth",
  ),
);
