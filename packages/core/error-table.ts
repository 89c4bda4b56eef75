/**
 * @module The one table of everything that can go wrong. From it come the state machine's Retry and Catch lists,
 * the API's problem documents, the command line's exit codes and `docs/errors.md`.
 *
 * Names are literals: a minifier mangles class names, and Step Functions matches on the name.
 */

import { type ErrorEntry, rule } from "./error-entry.ts";

const TELL_THE_OPERATOR =
  "Tell the operator, with the `instance` of this answer: nothing that you send mends it.";
const SEND_IT_AGAIN = "Send it again after `Retry-After`, with the same `Idempotency-Key`.";

export const ERRORS = {
  // The caller or the configuration
  UsageError: {
    ...rule("abandon", "no", 400, 2),
    meaning: "An argument is missing, unknown or out of range.",
    remedy: "Correct the argument that the message names.",
    remedyOverHttp: "Correct the field, parameter or header that the detail names.",
  },
  Malformed: {
    ...rule("abandon", "no", 400, 2),
    meaning: "The body or an address is not what the API's document describes.",
    remedy: "Compare with /openapi.json; the message names the field.",
  },
  Unauthenticated: {
    ...rule("abandon", "no", 401, 2),
    meaning: "No token was given, or it is not one of the issuer's, or it has expired.",
    remedy: "Send a valid token as `Authorization: Bearer ...`.",
  },
  Forbidden: {
    ...rule("abandon", "no", 403, 2),
    meaning: "The token does not allow this.",
    remedy: "Ask the operator for a token with the scope that the message names, or an attestation of age.",
  },
  MethodNotAllowed: {
    ...rule("abandon", "no", 405, 2),
    meaning: "The address exists, but not for this method.",
    remedy: "Take a method that the answer's Allow header lists.",
  },
  PreconditionFailed: {
    ...rule("abandon", "no", 412, 2),
    meaning: "The record has changed since it was read.",
    remedy: "Read it again and decide anew.",
    remedyOverHttp: "GET it again, decide anew, and send its new ETag as `If-Match`.",
  },
  BodyTooLarge: {
    ...rule("abandon", "no", 413, 2),
    meaning: "The body is larger than the API takes.",
    remedy: "Send fewer or shorter things at once.",
  },
  UnsupportedMedia: {
    ...rule("abandon", "no", 415, 2),
    meaning: "The body is not of a type that the API takes.",
    remedy: "Send JSON with `Content-Type: application/json`.",
  },
  WrongHost: {
    ...rule("abandon", "no", 421, 2),
    meaning: "The request was meant for another host.",
    remedy: "Call the address that `atelier serve` printed.",
    remedyOverHttp: "Call the address that the API is served at: the `Host` header must name it.",
  },
  RateLimited: {
    ...rule("abandon", "no", 429, 2),
    meaning: "The caller asks too often.",
    remedy: "Wait as long as Retry-After says.",
  },
  LinkExpired: {
    ...rule("abandon", "no", 410, 2),
    meaning: "The link to a picture's file has ended.",
    remedy: "Ask for the rendition again: it gives a new link.",
    remedyOverHttp: "GET /v1/images/{id}/renditions/{name} gives a new link.",
  },
  ImageUnfinished: {
    ...rule("hold", "no", 409, 1),
    meaning: "The image is still in the making, or not settled yet.",
    remedy: "Wait for its end, or cancel its request; then ask again.",
    remedyOverHttp: "Wait for its end (GET /v1/requests/{id}/events), or POST /v1/requests/{id}/cancel.",
  },
  UnknownName: {
    ...rule("abandon", "no", 404, 2),
    meaning: "Nothing of that name exists.",
    remedy: "Take one of the names that the message lists.",
    remedyOverHttp:
      "Take a name of the lists: GET /v1/requests, GET /v1/images, GET /v1/templates, GET /v1/models.",
  },
  ConfigurationInvalid: {
    ...rule("abandon", "no", 500, 2),
    meaning: "A setting or an environment variable cannot be used.",
    remedy: "Correct the setting that the message names.",
    remedyOverHttp: TELL_THE_OPERATOR,
  },
  CatalogueInvalid: {
    ...rule("abandon", "no", 500, 2),
    meaning: "A file under templates/ does not hold what it must.",
    remedy: "Correct the file at the line that the message names.",
    remedyOverHttp: TELL_THE_OPERATOR,
  },
  FolderUnusable: {
    ...rule("hold", "no", 500, 2),
    meaning: "The data folder cannot be written or belongs to something else.",
    remedy: "Give a folder that you may write with --data.",
    remedyOverHttp: TELL_THE_OPERATOR,
  },
  KeyRefused: {
    ...rule("fail-over", "no", 502, 2),
    meaning: "The provider refused the key.",
    remedy: "Set a valid key for the provider; nothing was bought.",
    remedyOverHttp: "Name another `provider`, or tell the operator; nothing was bought.",
  },

  // Policy and terms
  PolicyRefused: {
    ...rule("abandon", "no", 422, 3),
    meaning: "The content policy refuses this prompt.",
    remedy: "Reword the prompt; the rule's name says what it met.",
    remedyOverHttp: "Reword the prompt; `rule` says what it met.",
  },
  TermsDenied: {
    ...rule("abandon", "no", 422, 3),
    meaning: "No provider's terms allow this rating.",
    remedy: "Attest the terms of your own account with ATELIER_TERMS, or ask for a lower rating.",
    remedyOverHttp:
      "Ask for a lower rating; GET /v1/terms says who allows what, and the operator may attest to more.",
  },
  NoCandidate: {
    ...rule("abandon", "no", 422, 2),
    meaning: "No model can make this image.",
    remedy: "See the reason for each model with --dry-run, then change size, model or provider.",
    remedyOverHttp: "POST /v1/requests with `dry_run=true` says why; change size, `model` or `provider`.",
  },

  // Money
  BudgetExceeded: {
    ...rule("abandon", "no", 402, 4),
    meaning: "The budget does not cover the most that this can cost.",
    remedy: "Wait for the reset that the message names, or raise the limit with `atelier budget set`.",
    remedyOverHttp:
      "Wait for the reset that the detail names, or raise the limit with PUT /v1/budgets/{scope}.",
  },
  MaxCostExceeded: {
    ...rule("abandon", "no", 402, 4),
    meaning: "The command's own cap does not cover the most that this can cost.",
    remedy: "Raise --max-cost or ask for fewer images.",
    remedyOverHttp: "Raise `max_cost`, or ask for fewer images.",
  },
  PriceUnknown: {
    ...rule("abandon", "no", 422, 2),
    meaning: "The price of this model is not known, so it cannot be held.",
    remedy: "Give the model a price in templates/models.yaml.",
    remedyOverHttp: "Name another `model`; GET /v1/models says the prices that are known.",
  },
  LedgerBusy: {
    ...rule("retry", "no", 503, 1),
    meaning: "Too many holds are open at once, or the ledger changed under the call.",
    remedy: "Nothing to do: it is tried again.",
    remedyOverHttp: SEND_IT_AGAIN,
  },

  // Providers
  Paced: {
    ...rule("pace", "no", 429, 1),
    meaning: "The provider asks to wait; nothing was created.",
    remedy: "Nothing to do: it is sent after the wait.",
  },
  ContentRejected: {
    ...rule("fail-over", "yes", 422, 1),
    meaning: "The provider's own filter rejected the prompt or the picture.",
    remedy: "Reword the template; another provider was asked only where its terms allow the rating.",
    remedyOverHttp: "Reword the prompt, or take another template: GET /v1/templates.",
  },
  ProviderResting: {
    ...rule("fail-over", "no", 503, 1),
    meaning:
      "The provider has failed several times in a row, or refused the account, and is left alone for a while.",
    remedy: "Nothing to do: another provider is asked, or this one again later; `atelier models` shows why.",
    remedyOverHttp: "Nothing to do: another is asked, or this one again later; GET /v1/models shows why.",
  },
  QuotaUsedUp: {
    ...rule("fail-over", "no", 429, 1),
    meaning: "The provider's own quota of the day or month is used up.",
    remedy:
      "Wait for the reset that the message names, raise the limit in templates/models.yaml, or allow another provider.",
    remedyOverHttp:
      "Wait for the reset that the message names, or leave out `provider` so that another one may be asked.",
  },
  ProviderRefused: {
    ...rule("fail-over", "no", 502, 1),
    meaning: "The provider refused the request as invalid.",
    remedy: "The model's parameters in templates/models.yaml do not fit its schema; correct them.",
    remedyOverHttp: "Name another `model`, and tell the operator: its parameters do not fit the provider.",
  },
  ModelUnavailable: {
    ...rule("fail-over", "no", 502, 1),
    meaning: "The model or its version is gone or private.",
    remedy: "Give another version in templates/models.yaml.",
    remedyOverHttp: "Name another `model`: GET /v1/models.",
  },
  OutOfCredit: {
    ...rule("fail-over", "no", 502, 1),
    meaning: "The account at the provider has no credit left.",
    remedy: "Top up the account, then ask again.",
    remedyOverHttp: "Name another `provider`, or tell the operator to top up the account.",
  },
  ProviderFailed: {
    ...rule("fail-over", "yes", 502, 1),
    meaning: "The provider's model failed.",
    remedy: "Ask again; if it goes on, choose another model.",
  },
  ProviderCancelled: {
    ...rule("fail-over", "yes", 502, 1),
    meaning: "The job was cancelled at the provider or ran past its deadline.",
    remedy: "Ask again; if it goes on, choose a faster model.",
  },
  ProviderAborted: {
    ...rule("fail-over", "no", 502, 1),
    meaning: "The job was dropped at the provider before it started.",
    remedy: "Ask again.",
  },
  NotCreated: {
    ...rule("fail-over", "no", 502, 1),
    meaning: "The create was lost on the way and the provider's list shows that no job exists.",
    remedy: "Nothing to do: another attempt is made.",
  },
  FailOver: {
    ...rule("fail-over", "unknown", 502, 1),
    meaning: "The attempt failed at the provider; the next candidate is tried.",
    remedy: "Nothing to do: the cause names what the provider answered.",
  },
  DeadlineExceeded: {
    ...rule("abandon", "no", 504, 1),
    meaning: "The image's own deadline passed before a provider had room for it.",
    remedy: "Ask again; if it goes on, lower the number of images or choose another provider.",
  },
  ProviderUnavailable: {
    ...rule("retry", "no", 502, 1),
    meaning: "The provider does not answer a read.",
    remedy: "Nothing to do: reads are tried again.",
  },
  SubmitUnknown: {
    ...rule("hold", "unknown", 502, 1),
    meaning: "A create was sent and its answer was lost.",
    remedy: "Nothing to do: webhook or reconciler find the job; it is never sent again blindly.",
  },
  OutcomeUnknown: {
    ...rule("abandon", "unknown", 502, 1),
    meaning: "Nobody could learn what became of a paid call; it is booked as charged.",
    remedy: "Look at the provider's dashboard; a late success is still taken in by `atelier resume`.",
    remedyOverHttp: "Ask again if you still want it; a late success is taken in by itself.",
  },

  // Outputs
  OutputUnavailable: {
    ...rule("retry", "yes", 502, 1),
    meaning: "The picture could not be fetched just now.",
    remedy: "Nothing to do: it is fetched again.",
  },
  OutputExpired: {
    ...rule("abandon", "yes", 502, 1),
    meaning: "The provider deleted the picture before it could be fetched.",
    remedy: "Ask again; check that collect runs within the provider's hour.",
    remedyOverHttp: "Ask again.",
  },
  OutputInvalid: {
    ...rule("abandon", "yes", 502, 1),
    meaning: "What the provider delivered is not a usable picture.",
    remedy: "The original is kept under incoming/ for 7 days; ask again.",
    remedyOverHttp: "Ask again.",
  },
  OutputUnsafe: {
    ...rule("abandon", "yes", 502, 1),
    meaning: "The picture's address is not one that may be fetched.",
    remedy: "If the address is your own machine's, configure it as the provider's base URL.",
    remedyOverHttp: "Tell the operator: the address of the provider is not one that may be fetched from.",
  },

  // Storage and workflow
  StorageFull: {
    ...rule("hold", "yes", 507, 2),
    meaning: "There is no space left for files.",
    remedy: "Free some space, then run `atelier resume`; nothing bought is lost.",
    remedyOverHttp: "Tell the operator to free some space, then send it again; nothing bought is lost.",
  },
  StorageUnavailable: {
    ...rule("retry", "yes", 503, 1),
    meaning: "A store did not answer.",
    remedy: "Nothing to do: it is tried again; later `atelier resume`.",
    remedyOverHttp: SEND_IT_AGAIN,
  },
  BlobConflict: {
    ...rule("abandon", "yes", 500, 1),
    meaning: "Another file already stands under an immutable key.",
    remedy: "Report this: two different pictures claim one name.",
  },
  GenerationSuperseded: {
    ...rule("hold", "no", 409, 1),
    meaning: "Another run has taken over this image.",
    remedy: "Nothing to do: the other run goes on.",
  },
  ImageTerminal: {
    ...rule("hold", "no", 409, 1),
    meaning: "The image has already reached its end.",
    remedy: "Nothing to do.",
  },
  RequestConflict: {
    ...rule("abandon", "no", 409, 2),
    meaning: "The same id stands for another request already.",
    remedy: "Use a new id for a changed request.",
    remedyOverHttp: "Send another `Idempotency-Key` with a changed request.",
  },
  Cancelled: {
    ...rule("hold", "no", 409, 1),
    meaning: "The run was stopped on request.",
    remedy: "Run `atelier resume` to go on.",
    remedyOverHttp: "Send it again, with the same `Idempotency-Key`; what was begun goes on by itself.",
  },
  Unexpected: {
    ...rule("abandon", "unknown", 500, 1),
    meaning: "Something happened that nobody foresaw.",
    remedy: "Report the message with the image's id.",
    remedyOverHttp:
      "Send it again, with the same `Idempotency-Key`; if it goes on, report the `instance` of this answer.",
  },
} as const satisfies Record<string, ErrorEntry>;
