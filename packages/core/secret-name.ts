/** @module The name of a provider's secret on AWS, from that of its variable: both ends, stacks and functions, make it alike. */

/** `STABILITY_API_KEY` -> `StabilityApiKey` */
export function secretNameOf(variable: string): string {
  return variable
    .toLowerCase()
    .split("_")
    .map((word) => word.slice(0, 1).toUpperCase() + word.slice(1))
    .join("");
}
