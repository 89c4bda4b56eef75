/** @module The catalogue of the checkout with small pictures and few of them: for tests of how they are made, not of what they show. */
import type { Catalogue } from "@atelier/core/catalogue";
import { loadInstalledCatalogue } from "@atelier/local/installed-catalogue";

/** The smallest that every model of the checkout makes. */
const SIZE_PIXELS = 256;

/** @param countMax of the pictures of one entry of the calendar */
export async function smallCatalogue(countMax: number): Promise<Catalogue> {
  const catalogue = await loadInstalledCatalogue();
  const { categories, schedule } = catalogue;
  return {
    ...catalogue,
    categories: categories.map((category) => ({
      ...category,
      templates: category.templates.map((template) => ({
        ...template,
        parameters: { ...template.parameters, width: SIZE_PIXELS, height: SIZE_PIXELS },
      })),
    })),
    schedule: {
      ...schedule,
      plans: Object.fromEntries(
        Object.entries(schedule.plans).map(([name, entries]) => [
          name,
          entries.map((entry) => {
            const { action } = entry;
            if (action.kind !== "generate" || typeof action.count !== "number") return entry;
            return { ...entry, action: { ...action, count: Math.min(action.count, countMax) } };
          }),
        ]),
      ),
    },
  };
}
