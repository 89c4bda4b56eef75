/**
 * @module The one table of everything that can go wrong. From it come the state machine's Retry and Catch lists,
 * the API's problem documents, the command line's exit codes and `docs/errors.md`.
 *
 * Names are literals: a minifier mangles class names, and Step Functions matches on the name.
 */

/** What the state machine does with the error when it ends a task. */
export type ErrorRoute =
  /** A passing fault of a read or of a store: the engine runs the same task again (it buys nothing). */
  | "retry"
  /** Wait as long as the cause says, then generate again with the same attempt. */
  | "pace"
  /** The provider failed, not the request: validate again, next candidate, new attempt. */
  | "fail-over"
  /** The image ends here. */
  | "abandon"
  /** Nothing was decided: the image stays open and `resume` (or the reconciler) goes on with it. */
  | "hold";

export interface ErrorEntry {
  readonly route: ErrorRoute;
  /** Whether a provider has charged when this error ends an attempt; `unknown` is booked as charged. */
  readonly charged: "no" | "yes" | "unknown";
  readonly httpStatus: number;
  /** 1 an image failed · 2 bad usage or configuration · 3 policy or terms · 4 budget */
  readonly exitCode: 1 | 2 | 3 | 4;
  /** What happened, in a sentence without the particulars. */
  readonly meaning: string;
  /** What the user can do about it. */
  readonly remedy: string;
}

const entry = (
  route: ErrorRoute,
  charged: ErrorEntry["charged"],
  httpStatus: number,
  exitCode: ErrorEntry["exitCode"],
  meaning: string,
  remedy: string,
): ErrorEntry => ({ route, charged, httpStatus, exitCode, meaning, remedy });

export const ERRORS = {
  // The caller or the configuration
  UsageError: entry(
    "abandon",
    "no",
    400,
    2,
    "An argument is missing, unknown or out of range.",
    "Correct the argument that the message names.",
  ),
  UnknownName: entry(
    "abandon",
    "no",
    404,
    2,
    "Nothing of that name exists.",
    "Take one of the names that the message lists.",
  ),
  ConfigurationInvalid: entry(
    "abandon",
    "no",
    500,
    2,
    "A setting or an environment variable cannot be used.",
    "Correct the setting that the message names.",
  ),
  CatalogueInvalid: entry(
    "abandon",
    "no",
    500,
    2,
    "A file under templates/ does not hold what it must.",
    "Correct the file at the line that the message names.",
  ),
  FolderUnusable: entry(
    "hold",
    "no",
    500,
    2,
    "The data folder cannot be written or belongs to something else.",
    "Give a folder that you may write with --data.",
  ),
  KeyRefused: entry(
    "abandon",
    "no",
    502,
    2,
    "The provider refused the key.",
    "Set a valid key for the provider; nothing was bought.",
  ),

  // Policy and terms
  PolicyRefused: entry(
    "abandon",
    "no",
    422,
    3,
    "The content policy refuses this prompt.",
    "Reword the prompt; the rule's name says what it met.",
  ),
  TermsDenied: entry(
    "abandon",
    "no",
    422,
    3,
    "No provider's terms allow this rating.",
    "Attest the terms of your own account with ATELIER_TERMS, or ask for a lower rating.",
  ),
  NoCandidate: entry(
    "abandon",
    "no",
    422,
    2,
    "No model can make this image.",
    "See the reason for each model with --dry-run, then change size, model or provider.",
  ),

  // Money
  BudgetExceeded: entry(
    "abandon",
    "no",
    402,
    4,
    "The budget does not cover the most that this can cost.",
    "Wait for the reset that the message names, or raise the limit with `atelier budget set`.",
  ),
  MaxCostExceeded: entry(
    "abandon",
    "no",
    402,
    4,
    "The command's own cap does not cover the most that this can cost.",
    "Raise --max-cost or ask for fewer images.",
  ),
  PriceUnknown: entry(
    "abandon",
    "no",
    422,
    2,
    "The price of this model is not known, so it cannot be held.",
    "Give the model a price in templates/models.yaml.",
  ),
  LedgerBusy: entry(
    "retry",
    "no",
    503,
    1,
    "Too many holds are open at once, or the ledger changed under the call.",
    "Nothing to do: it is tried again.",
  ),

  // Providers
  Paced: entry(
    "pace",
    "no",
    429,
    1,
    "The provider asks to wait; nothing was created.",
    "Nothing to do: it is sent after the wait.",
  ),
  ContentRejected: entry(
    "abandon",
    "yes",
    422,
    1,
    "The provider's own filter rejected the prompt or the picture.",
    "Reword the template; the image's record says what the provider answered.",
  ),
  ProviderRefused: entry(
    "fail-over",
    "no",
    502,
    1,
    "The provider refused the request as invalid.",
    "The model's parameters in templates/models.yaml do not fit its schema; correct them.",
  ),
  ModelUnavailable: entry(
    "fail-over",
    "no",
    502,
    1,
    "The model or its version is gone or private.",
    "Give another version in templates/models.yaml.",
  ),
  OutOfCredit: entry(
    "fail-over",
    "no",
    502,
    1,
    "The account at the provider has no credit left.",
    "Top up the account, then ask again.",
  ),
  ProviderFailed: entry(
    "fail-over",
    "yes",
    502,
    1,
    "The provider's model failed.",
    "Ask again; if it goes on, choose another model.",
  ),
  ProviderCancelled: entry(
    "fail-over",
    "yes",
    502,
    1,
    "The job was cancelled at the provider or ran past its deadline.",
    "Ask again; if it goes on, choose a faster model.",
  ),
  ProviderAborted: entry(
    "fail-over",
    "no",
    502,
    1,
    "The job was dropped at the provider before it started.",
    "Ask again.",
  ),
  NotCreated: entry(
    "fail-over",
    "no",
    502,
    1,
    "The create was lost on the way and the provider's list shows that no job exists.",
    "Nothing to do: another attempt is made.",
  ),
  FailOver: entry(
    "fail-over",
    "unknown",
    502,
    1,
    "The attempt failed at the provider; the next candidate is tried.",
    "Nothing to do: the cause names what the provider answered.",
  ),
  DeadlineExceeded: entry(
    "abandon",
    "no",
    504,
    1,
    "The image's own deadline passed before a provider had room for it.",
    "Ask again; if it goes on, lower the number of images or choose another provider.",
  ),
  ProviderUnavailable: entry(
    "retry",
    "no",
    502,
    1,
    "The provider does not answer a read.",
    "Nothing to do: reads are tried again.",
  ),
  SubmitUnknown: entry(
    "hold",
    "unknown",
    502,
    1,
    "A create was sent and its answer was lost.",
    "Nothing to do: webhook or reconciler find the job; it is never sent again blindly.",
  ),
  OutcomeUnknown: entry(
    "abandon",
    "unknown",
    502,
    1,
    "Nobody could learn what became of a paid call; it is booked as charged.",
    "Look at the provider's dashboard; a late success is still taken in by `atelier resume`.",
  ),

  // Outputs
  OutputUnavailable: entry(
    "retry",
    "yes",
    502,
    1,
    "The picture could not be fetched just now.",
    "Nothing to do: it is fetched again.",
  ),
  OutputExpired: entry(
    "abandon",
    "yes",
    502,
    1,
    "The provider deleted the picture before it could be fetched.",
    "Ask again; check that collect runs within the provider's hour.",
  ),
  OutputInvalid: entry(
    "abandon",
    "yes",
    502,
    1,
    "What the provider delivered is not a usable picture.",
    "The original is kept under incoming/ for 7 days; ask again.",
  ),
  OutputUnsafe: entry(
    "abandon",
    "yes",
    502,
    1,
    "The picture's address is not one that may be fetched.",
    "If the address is your own machine's, configure it as the provider's base URL.",
  ),

  // Storage and workflow
  StorageFull: entry(
    "hold",
    "yes",
    507,
    2,
    "There is no space left for files.",
    "Free some space, then run `atelier resume`; nothing bought is lost.",
  ),
  StorageUnavailable: entry(
    "retry",
    "yes",
    503,
    1,
    "A store did not answer.",
    "Nothing to do: it is tried again; later `atelier resume`.",
  ),
  BlobConflict: entry(
    "abandon",
    "yes",
    500,
    1,
    "Another file already stands under an immutable key.",
    "Report this: two different pictures claim one name.",
  ),
  GenerationSuperseded: entry(
    "hold",
    "no",
    409,
    1,
    "Another run has taken over this image.",
    "Nothing to do: the other run goes on.",
  ),
  ImageTerminal: entry("hold", "no", 409, 1, "The image has already reached its end.", "Nothing to do."),
  RequestConflict: entry(
    "abandon",
    "no",
    409,
    2,
    "The same id stands for another request already.",
    "Use a new id for a changed request.",
  ),
  Cancelled: entry("hold", "no", 409, 1, "The run was stopped on request.", "Run `atelier resume` to go on."),
  Unexpected: entry(
    "abandon",
    "unknown",
    500,
    1,
    "Something happened that nobody foresaw.",
    "Report the message with the image's id.",
  ),
} as const satisfies Record<string, ErrorEntry>;

export type ErrorName = keyof typeof ERRORS;

export const ERROR_NAMES = Object.keys(ERRORS) as ErrorName[];

export function isErrorName(name: string): name is ErrorName {
  return Object.hasOwn(ERRORS, name);
}

/**
 * A named failure. `name` is the literal that Step Functions, the API and the command line match on; `message` is one
 * sentence that says what was wrong, where, and what to do; `data` is plain JSON for machines.
 */
export class AtelierError extends Error {
  readonly data: Readonly<Record<string, unknown>>;

  constructor(
    name: ErrorName,
    message: string,
    options: { cause?: unknown; data?: Record<string, unknown> } = {},
  ) {
    super(message, options.cause === undefined ? {} : { cause: options.cause });
    this.name = name;
    this.data = options.data ?? {};
  }
}

export function isAtelierError(
  error: unknown,
  name?: ErrorName,
): error is AtelierError & { name: ErrorName } {
  return error instanceof Error && isErrorName(error.name) && (name === undefined || error.name === name);
}

/** The table's name for anything thrown. */
export function errorNameOf(error: unknown): ErrorName {
  return error instanceof Error && isErrorName(error.name) ? error.name : "Unexpected";
}

/** The names that take a route, for the state machine's Retry and Catch lists. */
export function namesRouted(route: ErrorRoute): ErrorName[] {
  return ERROR_NAMES.filter((name) => ERRORS[name].route === route);
}
