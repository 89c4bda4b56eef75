/**
 * @module Characters that are read as Latin letters and digits though they are others, and that NFKC keeps apart: a choice
 * in the spirit of Unicode UTS #39, section 4, made from the code charts. Marks are expected to be gone already (NFD).
 */

/** The Latin reading of one character, in its case, or undefined. */
export function latinReadingOf(character: string): string | undefined {
  const exact = LOOK_ALIKES.get(character);
  if (exact !== undefined) return exact;
  const lower = character.toLowerCase();
  return lower === character ? undefined : LOOK_ALIKES.get(lower)?.toUpperCase();
}

const LOOK_ALIKES: ReadonlyMap<string, string> = new Map([
  // Cyrillic; capitals follow their small letters where they look alike.
  ...pairs(
    "аa бb вb гr дd еe єe зe иu іi јj кk лn мm нh оo пn рp сc тt уy фo хx ѕs һh ԁd ԍg ԛq ԝw үy ӏl ћh ђh яr шw эe ѵv ҽe ӕae",
  ),
  // Greek; some capitals look like other letters than their small ones.
  ...pairs("αa βb γy δd εe ζz ηn θo ιi κk λl μu νv ξe οo πn ρp ςc σo τt υu φo χx ψw ωw ϲc ϳj ϐb ϵe ϱp ϝf"),
  ...pairs("ΗH ΝN ΜM ΥY ΡP ΣE ΛA ϹC"),
  // Armenian, Cherokee, Lisu, Coptic.
  ...pairs("աw գq եt զq թp իh լl հh յj ոn ռn սu վu ցg ւi քp օo"),
  ...pairs("ᎪA ᏴB ᏟC ᎠD ᎬE ᏀG ᎻH ᎥI ᎫJ ᏦK ᏞL ᎷM ᏢP ᎡR ᏚS ᎢT ᏙV ᎳW ᎩY ᏃZ"),
  ...pairs("ꓮA ꓐB ꓚC ꓓD ꓰE ꓝF ꓖG ꓧH ꓲI ꓙJ ꓗK ꓡL ꓟM ꓠN ꓳO ꓑP ꓣR ꓢS ꓔT ꓴU ꓦV ꓪW ꓫX ꓬY ꓜZ"),
  ...pairs("ⲁa ⲃb ⲅr ⲉe ⲏh ⲓi ⲕk ⲙm ⲛn ⲟo ⲣp ⲥc ⲧt ⲩy ⲭx ⲱw"),
  // Latin letters with a stroke, hook or turn, small capitals, letters of phonetics.
  ...pairs(
    "ıi ȷj łl øo đd ðd ħh ŧt ßss æae œoe þp ƀb ɓb ƃb ƈc ȼc ɕc ɖd ɗd ƌd ǝe əe ɘe ɛe ɇe ƒf ɠg ǥg ɡg ɣy ɦh ɨi ɩi ɪi ɉj ʝj ƙk ʞk",
  ),
  ...pairs(
    "ƚl ɫl ɬl ɭl ɱm ɯm ɲn ɳn ŋn ƞn ɵo ɔc ƥp ɋq ʠq ɍr ɽr ɾr ɹr ʂs ȿs ƭt ʈt ʇt ʉu ʊu ʋv ʌv ʍw ƴy ɏy ʎy ƶz ʐz ȥz ɑa ɐa ɒa ɥh ᴉi ɟj",
  ),
  ...pairs("ᴀa ʙb ᴄc ᴅd ᴇe ꜰf ɢg ʜh ᴊj ᴋk ʟl ᴍm ɴn ᴏo ᴘp ʀr ꜱs ᴛt ᴜu ᴠv ᴡw ʏy ᴢz ⱥa ⱦt ⱡl ⱨh ⱪk ⱬz ꞓc ꬲe"),
  // Signs that stand for letters.
  ...pairs(
    "©c ®r †t ∂d ∑e ∫s ∩n ∪u ∨v ∧a ∀a ∃e ∈e ⊂c ⊃d ℮e ₿b ₵c ₫d ₲g ₭k ₤l ₦n ₱p ₮t ₩w ¥y ฿b ₴s ₳a ൦o ၀o ჿo ০o ۵o",
  ),
  ...["🇦", "🅐", "🄰", "🅰"].flatMap(alphabetFrom),
  ...[numbersFrom("❶", 1, 10), numbersFrom("➀", 1, 10), numbersFrom("➊", 1, 10)].flat(),
  ...[numbersFrom("⓫", 11, 20), numbersFrom("⓵", 1, 10)].flat(),
]);

/** "аa вb": each character is followed by what it stands for. */
function pairs(text: string): [string, string][] {
  return text.split(" ").map((pair) => {
    const [character = "", ...reading] = pair;
    return [character, reading.join("")];
  });
}

/** 26 characters in alphabetical order from the given one. */
function alphabetFrom(first: string): [string, string][] {
  const start = first.codePointAt(0) ?? 0;
  return Array.from({ length: 26 }, (_, letter) => [
    String.fromCodePoint(start + letter),
    String.fromCharCode("a".charCodeAt(0) + letter),
  ]);
}

/** Characters in a row that stand for the numbers in a row. */
function numbersFrom(first: string, from: number, to: number): [string, string][] {
  const start = first.codePointAt(0) ?? 0;
  return Array.from({ length: to - from + 1 }, (_, at) => [
    String.fromCodePoint(start + at),
    String(from + at),
  ]);
}
