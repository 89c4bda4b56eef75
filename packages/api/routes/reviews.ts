/** @module What waits for a person, what that person decides, and callers who are held back. */
import { ratingSchema } from "@atelier/core/catalogue";
import { AtelierError } from "@atelier/core/errors";
import { REVIEW_ACTIONS } from "@atelier/core/review";
import {
  decideReview,
  liftCaller,
  rememberedCallers,
  shownReview,
  waitingReviews,
} from "@atelier/core/review-desk";
import {
  callerDocumentSchema,
  reviewDocumentSchema,
  shownReviewDocumentSchema,
} from "@atelier/core/review-document";
import * as z from "zod";
import type { ApiApp } from "../context.ts";
import { imageIdSchema, imageParams, listOf, pageOf, pageQuery } from "../fields.ts";
import { found } from "../found.ts";
import { checkUnchanged } from "../image-view.ts";
import { notFound } from "../problem.ts";
import { declared } from "../route.ts";

const reviewSchema = reviewDocumentSchema.meta({
  id: "Review",
  description: "A picture that waits for a person, and why.",
});
const shownReviewSchema = shownReviewDocumentSchema.meta({
  id: "ReviewWithEvidence",
  description: "A picture that waits for a person, with all that helps to decide.",
});
const decidedSchema = reviewDocumentSchema
  .extend({
    is_awaiting: z.boolean().meta({ description: "True: noted, and another reviewer has to say the same." }),
  })
  .meta({ id: "ReviewDecided", description: "How the picture stands after a reviewer has spoken." });
const callerSchema = callerDocumentSchema.meta({
  id: "Caller",
  description: "A caller whose prompts were refused, and whether they may ask now.",
});

const reasonSchema = z.string().max(2_000);
const callerNameSchema = z
  .string()
  .min(1)
  .max(200)
  .meta({ description: "A token's subject.", example: "ada" });

const listReviews = declared({
  method: "get",
  path: "/v1/reviews",
  operationId: "listReviews",
  tags: ["reviews"],
  summary: "What waits for a person",
  description:
    "Suspected minors first, then what is urgent, then the oldest; everybody's. Of a sealed picture no file is named.",
  scope: "images:review",
  request: { query: z.strictObject(pageQuery) },
  responses: {
    200: {
      description: "A page.",
      content: { "application/json": { schema: listOf(reviewSchema, "ReviewList") } },
    },
  },
  problems: ["UsageError"],
});

const getReview = declared({
  method: "get",
  path: "/v1/reviews/{image_id}",
  operationId: "getReview",
  tags: ["reviews"],
  summary: "What was seen in a picture, and what reviewers said",
  scope: "images:review",
  request: { params: z.object({ image_id: imageIdSchema }) },
  responses: {
    200: {
      description: "Evidence and history.",
      content: { "application/json": { schema: shownReviewSchema } },
    },
  },
  problems: [],
});

const decide = declared({
  method: "post",
  path: "/v1/images/{id}/review",
  operationId: "reviewImage",
  tags: ["reviews"],
  summary: "Decide about a picture",
  description:
    "`release` lets it out of quarantine, `reject` removes it for good, `rate` corrects its rating, `unseal` takes back the suspicion of a minor. The reviewer is the token's subject. The same again is a success.",
  scope: "images:review",
  request: {
    params: imageParams,
    headers: z.object({
      "if-match": z.string().optional().meta({ description: "The ETag of the image as it was looked at." }),
    }),
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z
            .strictObject({
              action: z.enum(REVIEW_ACTIONS).meta({
                description:
                  "`release`: out of quarantine, rated as it was seen; `reject`: removed for good; `rate`: given another rating; `unseal`: no suspicion of a minor any more, which two reviewers have to say.",
              }),
              rating: ratingSchema.optional().meta({
                description: "What the picture is rated from then on; for `rate`, and needed there.",
              }),
              reason: reasonSchema.default("").meta({
                description: "Why, kept encrypted; needed unless the picture is removed or rated up.",
              }),
            })
            .meta({ id: "ReviewDecision", description: "What a reviewer decides about a picture." }),
          example: { action: "release", reason: "Plainly an adult, and no more than was asked for." },
        },
      },
    },
  },
  responses: {
    200: {
      description: "Decided and carried out.",
      content: { "application/json": { schema: decidedSchema } },
    },
    202: {
      description: "Noted; another reviewer has to say the same.",
      content: { "application/json": { schema: decidedSchema } },
    },
  },
  problems: ["UsageError", "PolicyRefused", "PreconditionFailed"],
});

const listCallers = declared({
  method: "get",
  path: "/v1/callers",
  operationId: "listCallers",
  tags: ["reviews"],
  summary: "Callers whose refusals are remembered",
  scope: "images:review",
  request: {},
  responses: {
    200: {
      description: "All of them.",
      content: { "application/json": { schema: listOf(callerSchema, "CallerList") } },
    },
  },
  problems: [],
});

const lift = declared({
  method: "post",
  path: "/v1/callers/{name}/lift",
  operationId: "liftCaller",
  tags: ["reviews"],
  summary: "Let a caller who is held back ask again",
  description: "Nobody lifts what holds themselves back.",
  scope: "images:review",
  request: {
    params: z.object({ name: callerNameSchema }),
    body: {
      required: true,
      content: {
        "application/json": {
          schema: z
            .strictObject({
              reason: reasonSchema.min(1).meta({ description: "Why, in your words; kept with the caller." }),
            })
            .meta({ id: "Lifting", description: "Why a caller may ask again." }),
          example: { reason: "A script sent the same prompt again and again; it is mended." },
        },
      },
    },
  },
  responses: {
    200: {
      description: "How the caller stands now.",
      content: { "application/json": { schema: callerSchema } },
    },
  },
  problems: [],
});

export function addReviewRoutes(app: ApiApp): void {
  app.openapi(listReviews, async (c) => {
    const { items, cursor } = await waitingReviews(pageOf(c.req.valid("query")), c.var.deps);
    return c.json({ items: [...items], next_cursor: cursor }, 200);
  });

  app.openapi(getReview, async (c) =>
    c.json(await found("image", shownReview(c.req.valid("param").image_id, c.var.deps)), 200),
  );

  app.openapi(decide, async (c) => {
    const { id } = c.req.valid("param");
    const { deps, caller } = c.var;
    const image = await deps.images.get(id);
    if (!image) throw notFound("image");
    await checkUnchanged(image, c);
    const decided = await decideReview({ ...c.req.valid("json"), imageId: id, reviewer: caller.name }, deps);
    const document = { ...decided.image, is_awaiting: decided.isAwaiting };
    return decided.isAwaiting ? c.json(document, 202) : c.json(document, 200);
  });

  app.openapi(listCallers, async (c) =>
    c.json({ items: await rememberedCallers(c.var.deps), next_cursor: null }, 200),
  );

  app.openapi(lift, async (c) => {
    const { name } = c.req.valid("param");
    const { deps, caller } = c.var;
    if (name === caller.name) {
      throw new AtelierError("Forbidden", "Somebody else has to lift what holds you back.");
    }
    const { reason } = c.req.valid("json");
    await found("caller who is held back", liftCaller({ caller: name, by: caller.name, reason }, deps));
    const standing = (await rememberedCallers(deps)).find((each) => each.caller === name);
    if (!standing) throw notFound("caller");
    return c.json(standing, 200);
  });
}
