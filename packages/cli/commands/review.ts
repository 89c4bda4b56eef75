/** @module `atelier review`: pictures that wait for a person, what that person decides, and callers who are held back. */
import { RATINGS, type Rating } from "@atelier/core/catalogue";
import type { ReviewAction } from "@atelier/core/review";
import type { CallerDocument, ReviewDocument, ShownReviewDocument } from "@atelier/core/review-document";
import type { Command } from "commander";
import { EXIT, type ExitCode } from "../exit-codes.ts";
import { countOf } from "../image-report.ts";
import { oneOf } from "../options.ts";
import { printable } from "../output.ts";
import type { Session } from "../session.ts";
import { renderTable } from "../table.ts";
import { type Act, addExamples, addLimitOption } from "./shared.ts";

interface DecisionOptions {
  readonly reason?: string;
  readonly as?: string;
  readonly rating?: Rating;
}

const IMAGE = "img_01jd8v3m6w9qk2x7r5t0ybhc4f_00000";

export function addReview(program: Command, act: Act): void {
  const review = program
    .command("review")
    .summary("pictures that wait for a person; release, reject or rate them")
    .description(
      "What waits for a person, and what that person decides. Everything is audited; reasons are kept encrypted. With `review_four_eyes` in the folder's settings.json, rated pictures need two reviewers.",
    );
  addExamples(review, [
    "atelier review list",
    `atelier review show ${IMAGE}`,
    `atelier review release ${IMAGE} --reason "an adult"`,
  ]);
  addList(review, act);
  const show = review
    .command("show")
    .summary("what was seen in a picture, and what reviewers said")
    .description("Shows what the classifiers saw, where the files are, and what was decided, with reasons.")
    .argument("<image>", "an id as `atelier review list` lists them")
    .action((imageId: string) => act((session) => showReview(session, imageId)));
  addExamples(show, [`atelier review show ${IMAGE}`]);
  addDecision(review, act, "release", {
    summary: "lets a picture out of quarantine",
    description:
      "Lets a picture out of quarantine: its files move to content/ as a new version, under the rating that was seen.",
    reason: "why it may be seen",
  });
  addDecision(review, act, "reject", {
    summary: "removes a picture for good; the same one is recognised again",
    description:
      "Removes every file of a picture, in every version and in the backup. A keyed hash is kept, so that the same picture is rejected at once when it comes again.",
    reason: "why it goes",
  });
  addDecision(review, act, "rate", {
    summary: "corrects a picture's rating",
    description:
      "Corrects what a picture is rated. Up: what was let out goes back into quarantine. Down: with a reason.",
    reason: "why it is rated lower",
  });
  addDecision(review, act, "unseal", {
    summary: "takes back the suspicion that a picture shows a minor",
    description:
      "Takes back the suspicion that a picture shows a minor: two different reviewers must say so. It is in quarantine then.",
    reason: "what speaks for an adult",
  });
  addCallers(review, act);
}

function addList(review: Command, act: Act): void {
  const list = review
    .command("list")
    .summary("what waits for a person")
    .description(
      "Lists what waits for a person: suspected minors first, then what is urgent, then the oldest. Of a suspected minor no file is named.",
    );
  addLimitOption(list, "how many pictures").action(({ limit }: { limit: number }) =>
    act((session) =>
      session.withMadeAtelier(async (atelier) => {
        const { output, json } = session;
        const found = await atelier.review.list(limit);
        if (json) for (const document of found) output.document(document);
        else output.text(found.length === 0 ? "Nothing waits for a person." : reviewTable(found, session));
        return EXIT.done;
      }),
    ),
  );
  addExamples(list, ["atelier review list", "atelier review list --limit 10 --json"]);
}

function reviewTable(found: readonly ReviewDocument[], { output }: Session): string {
  return renderTable(
    [
      { title: "image", minColumns: 12, cut: "start" },
      { title: "rating" },
      { title: "state", style: (state) => (state.startsWith("SEALED") ? "red" : null) },
      { title: "why", minColumns: 20 },
      { title: "preview", minColumns: 10, cut: "start" },
    ],
    found.map((each) => [
      each.image_id,
      each.rating === each.rating_seen ? each.rating : `${each.rating}, looks ${each.rating_seen}`,
      stateOf(each),
      each.reason,
      each.preview ?? "-",
    ]),
    output,
  );
}

function stateOf({ sealed, priority, status, votes, pending }: ReviewDocument): string {
  const first = sealed ? "SEALED (may show a minor)" : priority ? "urgent" : status;
  if (pending !== null) return `${first}; ${pending} is being carried out`;
  return votes.length === 0
    ? first
    : `${first}; ${votes.map(({ by, action }) => `${by} says ${action}`).join(", ")}`;
}

function showReview(session: Session, imageId: string): Promise<ExitCode> {
  return session.withMadeAtelier(async (atelier) => {
    const shown = await atelier.review.show(imageId);
    if (session.json) session.output.document(shown);
    else session.output.text(reviewText(shown, session));
    return EXIT.done;
  });
}

function reviewText(shown: ShownReviewDocument, { output }: Session): string {
  const { evidence } = shown;
  const numbers = (values: Readonly<Record<string, number>> | null) =>
    values &&
    Object.entries(values)
      .map(([name, value]) => `${name} ${value.toFixed(2)}`)
      .join(", ");
  const facts: readonly (readonly [string, string | null])[] = [
    ["image", shown.image_id],
    ["state", stateOf(shown)],
    ["category", `${shown.category}, ${shown.rating}; looks ${shown.rating_seen}`],
    ["verdict", `${evidence.decision} (${evidence.basis}): ${shown.reason}`],
    ["classifier", evidence.classifier],
    ["scores", numbers(evidence.scores)],
    [
      "faces",
      evidence.faces
        .map((face) => `about ${face.age_years.toFixed(0)} (${face.score.toFixed(2)})`)
        .join(", "),
    ],
    ["thresholds", numbers(evidence.thresholds)],
    ...shown.files.map(({ name, path }) => [name, path] as const),
    ...shown.waiting.map(({ by, at, reason }) => ["said", `${at} ${by}: ${reason}`] as const),
    ...shown.history.map(
      ({ action, from_rating, rating, at, said }) =>
        [
          "decided",
          `${at} ${action}${from_rating === rating ? "" : ` (${from_rating} to ${rating})`} by ${said.map(({ by, reason }) => `${by}: ${reason || "no reason"}`).join("; ")}`,
        ] as const,
    ),
  ];
  return facts
    .flatMap(([name, value]) =>
      value ? [`${output.paint("bold", name.padEnd(10))}  ${printable(value)}`] : [],
    )
    .join("\n");
}

function addDecision(
  review: Command,
  act: Act,
  action: ReviewAction,
  texts: { readonly summary: string; readonly description: string; readonly reason: string },
): void {
  const command = review
    .command(action)
    .summary(texts.summary)
    .description(texts.description)
    .argument("<image>", "an id as `atelier review list` lists them");
  if (action === "rate") {
    command.requiredOption("--rating <name>", `one of ${RATINGS.join(", ")}`, (text) =>
      oneOf("rating", text, RATINGS),
    );
  }
  command
    .option("--reason <text>", texts.reason)
    .option("--as <name>", "who decides (default: the operating system's user)")
    .action((imageId: string, options: DecisionOptions) =>
      act((session) => decide(session, action, imageId, options)),
    );
  const rating = action === "rate" ? " --rating nudity" : "";
  addExamples(command, [`atelier review ${action} ${IMAGE}${rating} --reason "..." --as ada`]);
}

function decide(
  session: Session,
  action: ReviewAction,
  imageId: string,
  { reason = "", as = "", rating }: DecisionOptions,
): Promise<ExitCode> {
  return session.withMadeAtelier(async (atelier) => {
    const { output, json } = session;
    const reviewer = as.trim() === "" ? null : as.trim();
    const { image, isAwaiting } = await atelier.review.decide({ imageId, action, rating, reason, reviewer });
    if (json) output.document({ ...image, awaiting: isAwaiting });
    else if (isAwaiting)
      output.text(`Noted. Another reviewer has to say the same before ${imageId} changes.`);
    else output.text(`${imageId} is ${image.status}, rated ${image.rating}.`);
    return EXIT.done;
  });
}

function addCallers(review: Command, act: Act): void {
  const callers = review
    .command("callers")
    .summary("callers whose prompts were refused lately")
    .description("Lists callers whose prompts the policy refused: who has to wait, and who is suspended.")
    .action(() =>
      act((session) =>
        session.withMadeAtelier(async (atelier) => {
          const { output, json } = session;
          const found = await atelier.review.callers();
          if (json) for (const document of found) output.document(document);
          else output.text(found.length === 0 ? "No caller was refused." : callerTable(found, session));
          return EXIT.done;
        }),
      ),
    );
  addExamples(callers, ["atelier review callers"]);
  const lift = review
    .command("lift")
    .summary("lets a suspended caller ask again")
    .description(
      "Lets a caller ask again who was suspended, or has to wait, because too many prompts were refused.",
    )
    .requiredOption("--caller <name>", "as `atelier review callers` lists them")
    .requiredOption("--reason <text>", "why")
    .option("--as <name>", "who decides (default: the operating system's user)")
    .action(({ caller, reason, as }: { caller: string; reason: string; as?: string }) =>
      act((session) =>
        session.withMadeAtelier(async (atelier) => {
          await atelier.review.lift({ caller, reason, by: as ?? null });
          if (!session.json) session.output.text(`${caller} may ask again.`);
          return EXIT.done;
        }),
      ),
    );
  addExamples(lift, ['atelier review lift --caller ada --reason "was trying out wording"']);
}

function callerTable(found: readonly CallerDocument[], { output }: Session): string {
  const state = (each: CallerDocument) =>
    each.state === "waits"
      ? `waits until ${each.retry_at}`
      : each.state === "suspended"
        ? `suspended since ${each.suspended_at}`
        : "may ask";
  return renderTable(
    [{ title: "caller" }, { title: "refusals" }, { title: "state" }],
    found.map((each) => [each.caller, countOf(each.refusals, "refusal"), state(each)]),
    output,
  );
}
