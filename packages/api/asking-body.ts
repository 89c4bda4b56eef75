/** @module The body of a new request: core's two ways of asking, and whether it is a trial. */
import { type AskedFor, askingSchema, promptAskingSchema, templateAskingSchema } from "@atelier/core/asking";
import * as z from "zod";

const dryRun = z.boolean().optional().meta({
  description: "True: says what would be made and what it would cost; makes nothing. Left out: false.",
});

/** For the document, under these names. */
export const ASKING_SCHEMAS = {
  TemplateRequest: templateAskingSchema
    .extend({ dry_run: dryRun })
    .meta({ description: "Pictures of a template, or of a category's templates in turn." }),
  PromptRequest: promptAskingSchema
    .extend({ dry_run: dryRun })
    .meta({ description: "One picture of a prompt of one's own." }),
};

/** One of the two; `prompt` tells which, so that what is wrong with it can be named. */
export const askingBody = z
  .looseObject({ dry_run: dryRun })
  .transform(({ dry_run: isTrial = false, ...body }, context): { asked: AskedFor; isTrial: boolean } => {
    const described = ASKING_SCHEMAS["prompt" in body ? "PromptRequest" : "TemplateRequest"].safeParse(body);
    // Core turns its issues into sentences; these still tell names of fields from what was sent.
    for (const issue of described.error?.issues ?? []) context.issues.push({ ...issue, input: undefined });
    if (!described.success) return z.NEVER;
    const parsed = askingSchema.safeParse(body);
    if (parsed.success) return { asked: parsed.data, isTrial };
    for (const { message, path } of parsed.error.issues) context.addIssue({ code: "custom", message, path });
    return z.NEVER;
  })
  .meta({
    anyOf: Object.keys(ASKING_SCHEMAS).map((name) => ({ $ref: `#/components/schemas/${name}` })),
    type: "object",
  });

export const ASKING_EXAMPLES = {
  template: { summary: "Of a template", value: { category: "feet", template: "feet_closeup", count: 3 } },
  prompt: { summary: "Of a prompt", value: { prompt: "A bowl of apples on a table", max_cost: 0.1 } },
};
