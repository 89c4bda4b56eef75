/**
 * @module What an access token of the user pool says beyond its user: until when the user's age is attested, and no scope that the
 * user may not have. Cognito grants an app's scopes to everybody who signs in; here the wider ones are for members of groups.
 */
import { AGE_CLAIM, SCOPE_PREFIX } from "@atelier/api/tokens";
import type { AttestationStore } from "@atelier/core/attestations";
import { SCOPES, type Scope } from "@atelier/core/caller";
import type { Clock } from "@atelier/core/ids";
import * as z from "zod";
import { parsedEvent } from "./runtime.ts";

/** Everybody's whom an operator made a user. */
const OPEN_TO_ALL: ReadonlySet<Scope> = new Set([
  "requests:write",
  "requests:read",
  "images:read",
  "catalogue:read",
  "plan:read",
]);

/** Its members have every scope; of any other group that is named like a scope, that one. */
export const OPERATORS = "operators";

/** Event of version 2.0 and 3.0; what else stands in it goes back as it came. */
const eventSchema = z.looseObject({
  request: z.looseObject({
    userAttributes: z.looseObject({ sub: z.string() }),
    groupConfiguration: z.looseObject({ groupsToOverride: z.array(z.string()).nullish() }).nullish(),
  }),
});

/** @throws AtelierError when the table does not answer: then there is no token, rather than one that says too little */
export async function claimsOf(
  event: unknown,
  deps: { readonly attestations: Pick<AttestationStore, "age">; readonly clock: Clock },
): Promise<object> {
  const asked = parsedEvent(eventSchema, event);
  const { userAttributes, groupConfiguration } = asked.request;
  const age = await deps.attestations.age(userAttributes.sub);
  const groups = groupConfiguration?.groupsToOverride ?? [];
  const refused = SCOPES.filter(
    (scope) => !OPEN_TO_ALL.has(scope) && !groups.includes(OPERATORS) && !groups.includes(scope),
  );
  return {
    ...asked,
    response: {
      claimsAndScopeOverrideDetails: {
        accessTokenGeneration: {
          claimsToAddOrOverride:
            age && age.untilMs > deps.clock() ? { [AGE_CLAIM]: Math.floor(age.untilMs / 1000) } : {},
          scopesToSuppress: refused.map((scope) => SCOPE_PREFIX + scope),
        },
      },
    },
  };
}
