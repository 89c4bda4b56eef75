/**
 * @module What lives in a simulated midjourney-proxy: tasks that run by an injected clock, what Midjourney charged for them, and
 * the hooks that they would send. Knows nothing of HTTP.
 */
import type { Clock } from "@atelier/core/ids";

/** novicezk: `change`; trueai: `action` with `buttons`, `modal`, `cancel`, a list of the newest hundred. */
export type Dialect = "change" | "action";

/** How the job of the task that is made next goes wrong. */
export type JobFault =
  | { readonly as: "moderated" | "failed" | "invalid-parameter" | "no-picture" | "stuck" | "forgotten" }
  /** The wrapper gives up; the picture shows up so much later all the same, or (null) never. */
  | { readonly as: "timed-out"; readonly pictureAfterMs: number | null };

export type HookFault = "lost" | "late" | "duplicated" | "reordered";

export interface TaskOptions {
  readonly dialect: Dialect;
  readonly clock: Clock;
  /** Where pictures are. */
  readonly origin: string;
  readonly gridMs: number;
  readonly upscaleMs: number;
  readonly hookLateMs: number;
  /** Ids as JSON numbers, as some builds have them. */
  readonly numericIds: boolean;
  /** Four single pictures beside the grid, as some builds of trueai have them. */
  readonly singlePictures: boolean;
}

export interface SimulatedTask {
  readonly id: string;
  readonly action: "IMAGINE" | "UPSCALE";
  readonly prompt: string;
  readonly state: string | null;
  readonly hook: string | null;
  readonly submittedAtMs: number;
  readonly gridId: string | null;
  readonly quarter: number | null;
  readonly fault: JobFault | null;
  readonly hookFault: HookFault | null;
  /** When it was handed to Midjourney; null: it waits for a window to be confirmed. */
  startedAtMs: number | null;
  cancelledAtMs: number | null;
  /** The status that hooks have told last. */
  told: string;
}

export interface Hook {
  readonly url: string;
  readonly body: string;
}

/** Grids and upscales that Midjourney was given, each charged once. */
export interface Bought {
  readonly grids: number;
  readonly upscales: number;
}

export class TaskStore {
  readonly options: TaskOptions;
  readonly #tasks = new Map<string, SimulatedTask>();
  readonly #open = new Set<SimulatedTask>();
  readonly #waiting: { readonly hook: Hook; readonly dueAtMs: number }[] = [];
  #made = 0;
  #bought: Bought = { grids: 0, upscales: 0 };

  constructor(options: TaskOptions) {
    this.options = options;
  }

  get bought(): Bought {
    return this.#bought;
  }

  all(): readonly SimulatedTask[] {
    return [...this.#tasks.values()];
  }

  get(id: string): SimulatedTask | undefined {
    const task = this.#tasks.get(id);
    return task?.fault?.as === "forgotten" ? undefined : task;
  }

  /** As a restart of a wrapper that keeps its tasks in memory. */
  forgetAll(): void {
    this.#tasks.clear();
    this.#open.clear();
  }

  /** @param grids how many Midjourney makes of the prompt: permutations are several */
  make(
    task: Pick<SimulatedTask, "action" | "prompt" | "state" | "hook" | "gridId" | "quarter"> &
      Partial<Pick<SimulatedTask, "fault" | "hookFault" | "submittedAtMs">>,
    { waitsForWindow = false, grids = 1 } = {},
  ): SimulatedTask {
    const submittedAtMs = task.submittedAtMs ?? this.options.clock();
    const id = `${submittedAtMs}${String(this.#made++ % 1000).padStart(3, "0")}`;
    const made: SimulatedTask = {
      fault: null,
      hookFault: null,
      ...task,
      id,
      submittedAtMs,
      startedAtMs: null,
      cancelledAtMs: null,
      told: "",
    };
    this.#tasks.set(id, made);
    this.#open.add(made);
    if (!waitsForWindow) this.start(made, grids);
    return made;
  }

  start(task: SimulatedTask, grids = 1): void {
    task.startedAtMs = Math.max(task.submittedAtMs, this.options.clock());
    const { grids: before, upscales } = this.#bought;
    this.#bought =
      task.action === "IMAGINE"
        ? { grids: before + grids, upscales }
        : { grids: before, upscales: upscales + 1 };
  }

  /** Somebody else's, long done; not charged to us. */
  makeEarlier(beforeMs: number): void {
    const bought = this.#bought;
    const submittedAtMs = this.options.clock() - beforeMs;
    const task = this.make({
      action: "IMAGINE",
      prompt: "a teapot --v 6.0",
      state: null,
      hook: null,
      gridId: null,
      quarter: null,
      submittedAtMs,
    });
    task.startedAtMs = submittedAtMs;
    this.#bought = bought;
  }

  statusOf(task: SimulatedTask): string {
    const { gridMs, upscaleMs, clock } = this.options;
    if (task.cancelledAtMs !== null) return "CANCEL";
    if (task.startedAtMs === null) return "MODAL";
    const ranMs = clock() - task.startedAtMs;
    const jobMs = task.action === "IMAGINE" ? gridMs : upscaleMs;
    if (ranMs < jobMs || task.fault?.as === "stuck") {
      return ranMs < jobMs / 10 ? "NOT_START" : ranMs < jobMs / 5 ? "SUBMITTED" : "IN_PROGRESS";
    }
    switch (task.fault?.as) {
      case "moderated":
      case "failed":
      case "invalid-parameter":
        return "FAILURE";
      case "timed-out": {
        const { pictureAfterMs } = task.fault;
        return pictureAfterMs !== null && ranMs >= jobMs + pictureAfterMs ? "SUCCESS" : "FAILURE";
      }
      default:
        return "SUCCESS";
    }
  }

  /** The task as JSON, with fields that nobody needs. */
  viewOf(task: SimulatedTask): Record<string, unknown> {
    const { dialect, origin, gridMs, clock, numericIds, singlePictures } = this.options;
    const status = this.statusOf(task);
    const isDone = status === "SUCCESS" && task.fault?.as !== "no-picture";
    const isRunning = status === "IN_PROGRESS";
    const share = isRunning ? Math.min(0.99, (clock() - (task.startedAtMs ?? 0)) / gridMs) : isDone ? 1 : 0;
    return {
      id: numericIds ? Number(task.id) : task.id,
      action: task.action,
      status,
      prompt: task.prompt,
      promptEn: task.prompt,
      description:
        task.action === "IMAGINE" ? `/imagine ${task.prompt}` : `/up ${task.gridId} U${task.quarter}`,
      state: task.state,
      submitTime: task.submittedAtMs,
      startTime: task.startedAtMs,
      finishTime: null,
      progress: isRunning || isDone ? `${Math.floor(share * 100)}%` : null,
      imageUrl: isDone
        ? `${origin}/attachments/${task.id}.png`
        : isRunning
          ? `${origin}/attachments/${task.id}-preview.png`
          : null,
      failReason: status === "FAILURE" ? FAIL_REASONS[task.fault?.as ?? "failed"] : null,
      properties: {
        notifyHook: task.hook,
        finalPrompt: task.prompt,
        discordInstanceId: "1118138338562560102",
      },
      ...(dialect === "action"
        ? {
            botType: "MID_JOURNEY",
            buttons: isDone && task.action === "IMAGINE" ? buttonsOf(task.id) : [],
            imageUrls:
              isDone && singlePictures && task.action === "IMAGINE"
                ? [1, 2, 3, 4].map((quarter) => ({ url: `${origin}/attachments/${task.id}-${quarter}.png` }))
                : null,
          }
        : {}),
    };
  }

  /** The hooks that have become due, in the order in which they leave. */
  takeHooks(): Hook[] {
    const nowMs = this.options.clock();
    for (const task of this.#open) {
      const status = this.statusOf(task);
      if (status === task.told) continue;
      if (task.hook !== null) this.#enqueue(task, task.hook, status, nowMs);
      task.told = status;
      // Who timed out may yet succeed.
      if (
        ["SUCCESS", "CANCEL"].includes(status) ||
        (status === "FAILURE" && task.fault?.as !== "timed-out")
      ) {
        this.#open.delete(task);
      }
    }
    const due = this.#waiting.filter(({ dueAtMs }) => dueAtMs <= nowMs);
    this.#waiting.splice(0, this.#waiting.length, ...this.#waiting.filter(({ dueAtMs }) => dueAtMs > nowMs));
    return due.map(({ hook }) => hook);
  }

  #enqueue(task: SimulatedTask, url: string, status: string, nowMs: number): void {
    const view = this.viewOf(task);
    const hook = { url, body: JSON.stringify(view) };
    const isLast = ["SUCCESS", "FAILURE", "CANCEL"].includes(status);
    if (!isLast || task.hookFault === null) {
      this.#waiting.push({ hook, dueAtMs: nowMs });
      return;
    }
    switch (task.hookFault) {
      case "lost":
        return;
      case "late":
        this.#waiting.push({ hook, dueAtMs: nowMs + this.options.hookLateMs });
        return;
      case "duplicated":
        this.#waiting.push({ hook, dueAtMs: nowMs }, { hook, dueAtMs: nowMs });
        return;
      case "reordered": {
        const stale = {
          url,
          body: JSON.stringify({ ...view, status: "IN_PROGRESS", progress: "62%", imageUrl: null }),
        };
        this.#waiting.push({ hook, dueAtMs: nowMs }, { hook: stale, dueAtMs: nowMs });
      }
    }
  }
}

const FAIL_REASONS: Readonly<Record<string, string>> = {
  moderated: "[Banned prompt detected] Sorry, the AI moderators are unsure about this prompt.",
  failed: "执行错误，系统异常",
  "invalid-parameter": "[Invalid parameter] Invalid value for `--ar`",
  "timed-out": "任务超时",
};

function buttonsOf(id: string) {
  const upsample = [1, 2, 3, 4].map((quarter) => ({
    customId: `MJ::JOB::upsample::${quarter}::${id}`,
    emoji: "",
    label: `U${quarter}`,
    type: 2,
    style: 2,
  }));
  const reroll = { customId: `MJ::JOB::reroll::0::${id}::SOLO`, emoji: "🔄", label: "", type: 2, style: 2 };
  return [...upsample, reroll];
}
