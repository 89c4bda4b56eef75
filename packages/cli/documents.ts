/** @module Documents that only the command line prints, in the snake_case of the public contract. */

import type { ChainLink } from "@atelier/core/audit-chain";
import type { CounterProof } from "@atelier/core/budget-verify";
import type { Category, Model, Parameters, Template } from "@atelier/core/catalogue";
import type { BudgetProofDocument, RefusalDocument } from "@atelier/core/document";
import { MICROS_PER_USD, usdFromMicros } from "@atelier/core/money";
import type { AuditEntry } from "@atelier/core/ports";
import { priceOf } from "@atelier/core/price";
import { combinationsOf } from "@atelier/core/template";
import type { ModelReport, Produced } from "@atelier/local/facade";

/** A refused prompt, with its line where it came from a file. */
export type Refusal = Extract<Produced, { status: "refused" }> & Located;
interface Located {
  /** From 1. */
  readonly line?: number;
}

export function isRefusal<Other extends object>(answer: Other | Refusal): answer is Refusal {
  return "status" in answer && answer.status === "refused";
}

/**
 * Says of each refused prompt where it stands.
 *
 * @param lines of the prompts, in their order; fewer when they came from no file
 */
export function refusalsAtLines<Other extends object>(
  answers: readonly (Other | Refusal)[],
  lines: readonly number[],
): (Other | Refusal)[] {
  return answers.map((answer, index) => {
    const line = lines[index];
    return line !== undefined && isRefusal(answer) ? { ...answer, line } : answer;
  });
}

/** The error's name is for the exit code only. */
export function refusalDocument({ status, rule, message, line }: Refusal): RefusalDocument & Located {
  return { status, rule, message, ...(line === undefined ? {} : { line }) };
}

export function auditDocument(entry: AuditEntry) {
  return {
    audit_id: entry.auditId,
    subject: entry.subject,
    kind: entry.kind,
    phase: entry.phase,
    attempt_id: entry.attemptId,
    /** RFC 3339 in UTC. */
    at: new Date(entry.atMs).toISOString(),
    by: entry.by,
    facts: entry.facts,
  };
}

/** With what proves it; entries of the first release have no hashes. */
export function exportedEntryDocument(entry: AuditEntry & Partial<ChainLink>) {
  return {
    ...auditDocument(entry),
    sequence: entry.sequence ?? null,
    previous_hash: entry.previousHash ?? null,
    hash: entry.hash ?? null,
    personal_digest: entry.personalDigest ?? null,
    salt: entry.salt ?? null,
  };
}

/** Prices in US dollars; null while unknown. */
export function modelDocument(report: ModelReport) {
  return {
    name: report.name,
    provider: report.provider,
    version: report.version,
    price:
      report.listMicros === null
        ? null
        : {
            list: usdFromMicros(report.listMicros),
            most: usdFromMicros(report.mostMicros ?? report.listMicros),
          },
    offered: report.offered,
    reason: report.reason,
    sizes: report.sizes,
    typical_seconds: report.typicalSeconds,
    terms: report.ratings,
    health: report.health && {
      ended: report.health.ended,
      success_rate: report.health.successRate,
      p50_seconds: report.health.p50Seconds,
      p95_seconds: report.health.p95Seconds,
      consecutive_failures: report.health.consecutiveFailures,
      spent: usdFromMicros(report.health.spentMicros),
      mean_cost: report.health.meanCostMicros === null ? null : report.health.meanCostMicros / MICROS_PER_USD,
      mean_quality: report.health.meanQuality,
      problem: report.health.problem,
    },
    account: report.account && {
      circuit: report.account.circuit,
      open_until: instant(report.account.openUntilMs),
      day: quotaDocument(report.account.day),
      month: quotaDocument(report.account.month),
      running: report.account.running,
      rest_until: instant(report.account.restUntilMs),
    },
    probed: report.probed && {
      served: report.probed.served,
      balance: report.probed.balanceMicros === null ? null : usdFromMicros(report.probed.balanceMicros),
      said: report.probed.said,
    },
  };
}

function quotaDocument({ used, limit }: { used: number; limit: number | null }) {
  return { used, limit, share: limit === null ? null : used / limit };
}

/** RFC 3339 in UTC. */
function instant(atMs: number | null): string | null {
  return atMs === null ? null : new Date(atMs).toISOString();
}

/** One template of a category; of a category without any (a free prompt), the names are null. */
export function templateDocument(category: Category, template: Template | null, models: readonly Model[]) {
  return {
    category: category.name,
    rating: category.rating,
    template: template?.name ?? null,
    description: template?.description ?? category.description,
    /** How many different prompts the slots give. */
    combinations: template === null ? null : Number(combinationsOf(template)),
    price: template === null ? null : priceOfTemplate(template, models),
    tags: template?.tags ?? [],
    slots: template === null ? {} : wordsOfSlots(template),
    parameters: template === null ? null : parametersDocument(template.parameters),
    models: template?.models ?? [],
  };
}

function wordsOfSlots(template: Template): Record<string, string[]> {
  return Object.fromEntries(
    Object.entries(template.slots).map(([slot, values]) => [slot, values.map((value) => value.text)]),
  );
}

function parametersDocument(parameters: Parameters) {
  const { guidanceScale, ...others } = parameters;
  return { ...others, guidance_scale: guidanceScale };
}

/** Of the first model that the template names and that can be bought, else of the cheapest that is not one's own machine's. */
function priceOfTemplate(
  template: Template,
  models: readonly Model[],
): { list: number; most: number } | null {
  const priced = models.flatMap((model) => {
    const price = model.buyable ? priceOf(model, template.parameters) : null;
    return price === null ? [] : [{ name: model.name, ...price }];
  });
  const named = template.models.flatMap((name) => priced.filter((model) => model.name === name));
  const cheapest = priced
    .filter(({ listMicros }) => listMicros > 0)
    .toSorted((one, other) => one.listMicros - other.listMicros);
  const price = named[0] ?? cheapest[0];
  return price ? { list: usdFromMicros(price.listMicros), most: usdFromMicros(price.mostMicros) } : null;
}

export function proofDocument(proof: CounterProof): BudgetProofDocument {
  return {
    scope: proof.scope,
    period: proof.period,
    limit: proof.limitMicros === null ? null : usdFromMicros(proof.limitMicros),
    remaining: usdFromMicros(proof.remainingMicros),
    spent: usdFromMicros(proof.spentMicros),
    held: usdFromMicros(proof.heldMicros),
    difference: usdFromMicros(proof.differenceMicros),
    proved: proof.differenceMicros === 0,
  };
}

/** Micro-USD of a document's dollars: sums of documents are made of whole numbers. */
export function microsOf(usd: number): number {
  return Math.round(usd * MICROS_PER_USD);
}
