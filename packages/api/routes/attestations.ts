/** @module What operators gave their word for: terms of their accounts, ages of viewers. Giving it is not for the API. */
import {
  ageAttestationDocument,
  attestationDocumentSchema,
  termsAttestationDocument,
} from "@atelier/core/review-document";
import type { ApiApp } from "../context.ts";
import { listOf } from "../fields.ts";
import { declared } from "../route.ts";

const attestationSchema = attestationDocumentSchema.meta({
  id: "Attestation",
  description: "What an operator gave their word for: terms, or a viewer's age.",
});

const listAttestations = declared({
  method: "get",
  path: "/v1/attestations",
  operationId: "listAttestations",
  tags: ["audit"],
  summary: "What operators gave their word for",
  description:
    "The terms of their own accounts and the age of viewers, with who, how and until when. They are given on the command line.",
  scope: "audit:read",
  request: {},
  responses: {
    200: {
      description: "All of them.",
      content: { "application/json": { schema: listOf(attestationSchema, "AttestationList") } },
    },
  },
  problems: [],
});

export function addAttestationRoutes(app: ApiApp): void {
  app.openapi(listAttestations, async (c) => {
    const { attestations, clock } = c.var.deps;
    const [terms, ages] = await Promise.all([attestations.terms(), attestations.ages()]);
    const items = [
      ...terms.map(termsAttestationDocument),
      ...ages.map((age) => ageAttestationDocument(age, clock())),
    ];
    return c.json({ items, next_cursor: null }, 200);
  });
}
