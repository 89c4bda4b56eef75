/** @module Images for people: the table, the totals, the folder, one image at length, and what needs attention. */
import { dirname, join } from "node:path";
import type { ImageDocument, PurchaseDocument, ShownDocument } from "@atelier/core/document";
import { formatUsd } from "@atelier/core/money";
import { isRefusal, microsOf, type Refusal } from "./documents.ts";
import { type Matter, matterLines, refusalText } from "./matters.ts";
import { type Output, printable, type Style } from "./output.ts";
import { type Column, renderTable } from "./table.ts";

const VERDICT_STYLES: Readonly<Record<string, Style>> = {
  released: "green",
  completed: "green",
  quarantined: "yellow",
  rejected: "red",
  failed: "red",
  unknown: "red",
};

const COLUMNS: readonly Column[] = [
  { title: "image", minColumns: 7, cut: "start" },
  { title: "template", minColumns: 8 },
  { title: "model", minColumns: 6 },
  { title: "seconds", align: "right" },
  { title: "cost", align: "right" },
  { title: "quality", align: "right" },
  { title: "verdict", style: (verdict) => VERDICT_STYLES[verdict] ?? null },
  { title: "file", minColumns: 10, cut: "start" },
];

export function imageTable(images: readonly ImageDocument[], output: Output): string {
  const rows = images.map((image) => [
    image.image_id,
    image.template ?? "(prompt)",
    image.model ?? "-",
    seconds(image.metadata.processing_time),
    formatUsd(microsOf(image.metadata.cost)),
    image.metadata.quality === null ? "-" : image.metadata.quality.toFixed(0),
    verdictOf(image),
    image.file_path ?? "-",
  ]);
  return renderTable(COLUMNS, rows, output);
}

/** "5 images (4 completed, 1 failed), $0.25, 12.3 s" */
export function totalsLine(images: readonly ImageDocument[], elapsedMs: number | null): string {
  const counts = new Map<string, number>();
  for (const image of images) counts.set(image.status, (counts.get(image.status) ?? 0) + 1);
  const statuses = [...counts].map(([status, count]) => `${count} ${status}`).join(", ");
  const costMicros = images.reduce((total, image) => total + microsOf(image.metadata.cost), 0);
  const processingSeconds = images.reduce((total, image) => total + (image.metadata.processing_time ?? 0), 0);
  const totalSeconds = elapsedMs === null ? processingSeconds : elapsedMs / 1000;
  return `${countOf(images.length, "image")} (${statuses}), ${formatUsd(costMicros)}, ${totalSeconds.toFixed(1)} s`;
}

/** The deepest folder that holds every file of the images. */
export function folderOf(images: readonly ImageDocument[], dataFolder: string): string {
  const folders = images.flatMap((image) =>
    image.file_path === null ? [] : [dirname(image.file_path).split("/")],
  );
  const [first = [], ...others] = folders;
  const differs = first.findIndex((name, depth) => others.some((folder) => folder[depth] !== name));
  return join(dataFolder, ...(differs === -1 ? first : first.slice(0, differs)));
}

/** What a person should know about: what was refused, is in quarantine, failed or is still open; a line for each cause. */
export function noticesOf(produced: readonly (ImageDocument | Refusal)[]): string[] {
  return matterLines(
    produced.flatMap((each): Matter[] => {
      if (isRefusal(each)) return [{ subject: "A prompt", line: each.line, cause: refusalText(each) }];
      const cause = causeOf(each);
      return cause === null ? [] : [{ subject: each.image_id, cause }];
    }),
  );
}

function causeOf({ status, verdict, failure, renditions }: ImageDocument): string | null {
  if (status === "completed") return null;
  // Nothing is made of a picture that is sealed.
  if (status === "quarantined" && renditions.length === 0) {
    return "sealed, because it may show a minor: nobody may look at it; see `atelier review list`";
  }
  if (status === "quarantined") {
    return `in quarantine until a person has looked: ${verdict?.reason ?? "no verdict"}`;
  }
  if (failure !== null) return `${status} (${failure.name}): ${failure.message}`;
  if (status === "rejected") return `rejected: ${verdict?.reason ?? "no reason given"}`;
  if (status === "failed" || status === "cancelled") return status;
  return `still open (${status}); \`atelier resume\` goes on with it`;
}

/** Everything about one image, a line for each fact. */
export function imageDetails(image: ShownDocument, dataFolder: string, output: Output): string {
  const { parameters, metadata, verdict, failure } = image;
  const facts: [string, string | null][] = [
    ["image", image.image_id],
    ["request", image.request_id],
    ["status", image.status],
    ["verdict", verdict && `${verdict.decision} (${verdict.basis}): ${verdict.reason}`],
    ["failure", failure && `${failure.name}: ${failure.message}`],
    ["category", `${image.category}, ${image.rating}`],
    ["template", image.template],
    ["prompt", image.prompt],
    ["without", image.negative_prompt],
    ["tags", image.tags.join(", ")],
    ["model", image.model && `${image.model} at ${metadata.api_used ?? "-"}`],
    [
      "parameters",
      `${parameters.width} x ${parameters.height}, ${parameters.steps} steps, guidance ${parameters.guidance_scale}, seed ${parameters.seed ?? "-"}`,
    ],
    ["cost", `${formatUsd(microsOf(metadata.cost))}, ${countOf(metadata.attempts, "attempt")}`],
    ["seconds", metadata.processing_time === null ? null : seconds(metadata.processing_time)],
    ["quality", metadata.quality === null ? null : qualityOf(metadata)],
    ["repeats", metadata.duplicate_of],
    ["warnings", metadata.warnings.join("; ")],
    ["created", image.created_at],
    ["recorded", metadata.generated_at],
    ...image.renditions.map((rendition): [string, string] => [
      rendition.name,
      `${join(dataFolder, rendition.path)} (${rendition.width} x ${rendition.height}, ${rendition.bytes} bytes)`,
    ]),
    ...image.purchases.map((purchase): [string, string] => ["attempt", purchaseLine(purchase)]),
    ["excluded", exclusionsLine(image.excluded)],
  ];
  return facts
    .flatMap(([name, value]) =>
      value ? [`${output.paint("bold", name.padEnd(10))}  ${printable(value)}`] : [],
    )
    .join("\n");
}

/** "img_x_0-1  sdxl at replicate: succeeded, $0.004 charged ($0.0023 under the list price of $0.0063), 5.2 s" */
function purchaseLine(purchase: PurchaseDocument): string {
  const { charged, difference, failure } = purchase;
  const dollars = (usd: number) => formatUsd(microsOf(usd));
  const told =
    charged === null || difference === null
      ? `${dollars(purchase.held)} held`
      : `${dollars(charged)} charged${difference === 0 ? "" : ` (${dollars(Math.abs(difference))} ${difference < 0 ? "under" : "over"} the list price of ${dollars(purchase.list)})`}`;
  const reason = failure === null ? "" : `, ${failure.name}: ${failure.message}`;
  const took = purchase.seconds === null ? "" : `, ${seconds(purchase.seconds)} s`;
  return `${purchase.attempt_id}  ${purchase.model} at ${purchase.provider}: ${purchase.state}, ${told}${took}${reason}`;
}

/** "model (why not); model, model (why not)", each once */
export function exclusionsLine(exclusions: ImageDocument["excluded"]): string {
  const models = new Map<string, Set<string>>();
  for (const { model, reason, detail } of exclusions) {
    const why = detail || reason;
    models.set(why, (models.get(why) ?? new Set()).add(model));
  }
  return [...models].map(([why, names]) => `${[...names].join(", ")} (${why})`).join("; ");
}

export function countOf(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? "" : "s"}`;
}

/** The verdict; where there is none yet, or where it is not the end of the story, the status. */
function verdictOf(image: ImageDocument): string {
  return image.status === "completed" ? (image.verdict?.decision ?? image.status) : image.status;
}

function qualityOf(metadata: ImageDocument["metadata"]): string {
  const parts = Object.entries(metadata.quality_parts ?? {}).map(
    ([name, value]) => `${name} ${value.toFixed(0)}`,
  );
  return `${metadata.quality?.toFixed(0)} of 100${parts.length === 0 ? "" : ` (${parts.join(", ")})`}`;
}

function seconds(value: number | null): string {
  return value === null ? "-" : value.toFixed(1);
}
