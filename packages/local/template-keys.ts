/** @module The keys of `templates/`: snake_case in the files, camelCase in the schemas of core. */

/** Leads through a parsed value: keys as in the schemas, and positions in lists. */
export type ValuePath = readonly (string | number)[];

const SNAKE_CASE_KEYS: Readonly<Record<string, string>> = {
  negative_prompt: "negativePrompt",
  guidance_scale: "guidanceScale",
  terms_expire_after_days: "termsExpireAfterDays",
  megapixels_max: "megapixelsMax",
  steps_max: "stepsMax",
  creates_per_minute: "createsPerMinute",
  window_seconds: "windowSeconds",
  creates_per_day: "createsPerDay",
  creates_per_month: "createsPerMonth",
  characters_max: "charactersMax",
  multiple_of: "multipleOf",
  typical_seconds: "typicalSeconds",
};
const WRITTEN_KEYS = Object.fromEntries(
  Object.entries(SNAKE_CASE_KEYS).map(([written, key]) => [key, written]),
);

/** Below these the keys are names that the file itself chooses. */
const KEYS_OF_NAMES = new Set(["slots", "plans", "concepts", "raises", "extras", "values", "terms"]);

/** The key as files have it. */
export function writtenKey(key: string): string {
  return WRITTEN_KEYS[key] ?? key;
}

/**
 * The value with its keys as the schemas of core have them.
 *
 * @param onCamelCase told of each key that is written as in a schema, which files must not do
 */
export function renamed(
  value: unknown,
  path: ValuePath,
  onCamelCase: (path: ValuePath, key: string, written: string) => void,
): unknown {
  if (Array.isArray(value)) return value.map((item, at) => renamed(item, [...path, at], onCamelCase));
  if (typeof value !== "object" || value === null) return value;
  const isNames = KEYS_OF_NAMES.has(String(path.at(-1)));
  return Object.fromEntries(
    Object.entries(value).map(([written, item]) => {
      const key = isNames ? written : (SNAKE_CASE_KEYS[written] ?? written);
      if (!isNames && written in WRITTEN_KEYS) onCamelCase(path, writtenKey(written), written);
      return [key, renamed(item, [...path, key], onCamelCase)];
    }),
  );
}
