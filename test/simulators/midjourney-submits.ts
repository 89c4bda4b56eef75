/** @module How a simulated midjourney-proxy answers submits: its result codes, and what it takes for a valid request. */
import * as z from "zod";
import type { HookFault, JobFault, SimulatedTask, TaskStore } from "./midjourney-tasks.ts";

export interface SubmitResult {
  readonly status: number;
  readonly code: number;
  readonly description: string;
  readonly result: string | number | null;
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface SubmitOptions {
  readonly windows: boolean;
  readonly nextJob: () => JobFault | null;
  readonly nextHook: () => HookFault | null;
}

const echoed = { state: z.string().optional(), notifyHook: z.url().optional() };
const imagineSchema = z.strictObject({
  prompt: z.string(),
  botType: z.enum(["MID_JOURNEY", "NIJI_JOURNEY"]).optional(),
  ...echoed,
});
const changeSchema = z.strictObject({
  taskId: z.string(),
  action: z.literal("UPSCALE"),
  index: z.int().min(1).max(4),
  ...echoed,
});
const actionSchema = z.strictObject({ taskId: z.string(), customId: z.string(), ...echoed });
const modalSchema = z.strictObject({ taskId: z.string(), prompt: z.string().min(1), ...echoed });

export function createSubmits(store: TaskStore, options: SubmitOptions) {
  const { dialect, numericIds } = store.options;
  const said = (
    code: number,
    description: string,
    result: string | null = null,
    properties: Readonly<Record<string, unknown>> = {},
    status = 200,
  ): SubmitResult => ({
    status,
    code,
    description,
    result: result !== null && numericIds ? Number(result) : result,
    properties,
  });
  const invalid = (description: string) => said(4, description);
  const noParent = () => said(3, "关联任务不存在或已失效", null, {}, dialect === "action" ? 404 : 200);

  function imagine(body: unknown): SubmitResult {
    const read = imagineSchema.safeParse(body);
    if (!read.success || read.data.prompt.trim() === "") return invalid("prompt不能为空");
    const { prompt, state = null, notifyHook = null } = read.data;
    const isIllegal = syntaxFault(prompt);
    const task = store.make(
      {
        action: "IMAGINE",
        prompt,
        state,
        hook: notifyHook,
        gridId: null,
        quarter: null,
        fault: isIllegal ? { as: "invalid-parameter" } : options.nextJob(),
        hookFault: options.nextHook(),
      },
      { grids: permutationsOf(prompt) },
    );
    return said(1, "提交成功", task.id, { discordInstanceId: "1118138338562560102" });
  }

  function upscale(
    gridId: string,
    quarter: number,
    echo: { state?: string | undefined; notifyHook?: string | undefined },
  ) {
    const grid = store.get(gridId);
    if (!grid) return noParent();
    if (grid.action !== "IMAGINE" || store.statusOf(grid) !== "SUCCESS") return invalid("关联任务状态错误");
    const existing = store.all().find((task) => task.gridId === gridId && task.quarter === quarter);
    if (existing && dialect === "change") {
      const { status, imageUrl } = store.viewOf(existing);
      return said(21, "任务已存在", existing.id, { status, imageUrl });
    }
    const waitsForWindow = dialect === "action" && options.windows;
    const task = store.make(
      {
        action: "UPSCALE",
        prompt: grid.prompt,
        state: echo.state ?? null,
        hook: echo.notifyHook ?? null,
        gridId,
        quarter,
        fault: options.nextJob(),
        hookFault: options.nextHook(),
      },
      { waitsForWindow },
    );
    return waitsForWindow
      ? said(21, "Waiting for window confirm", task.id, { remix: true })
      : said(1, "提交成功", task.id);
  }

  function change(body: unknown): SubmitResult {
    if (dialect === "action") return invalid("action参数错误");
    const read = changeSchema.safeParse(body);
    return read.success ? upscale(read.data.taskId, read.data.index, read.data) : invalid("action参数错误");
  }

  function action(body: unknown): SubmitResult {
    const read = actionSchema.safeParse(body);
    if (dialect === "change" || !read.success) return invalid("参数错误");
    const [, quarter, gridId] = /^MJ::JOB::upsample::([1-4])::(\d+)$/.exec(read.data.customId) ?? [];
    if (gridId !== read.data.taskId) return invalid("参数错误");
    return upscale(gridId, Number(quarter), read.data);
  }

  function modal(body: unknown): SubmitResult {
    const read = modalSchema.safeParse(body);
    if (dialect === "change" || !read.success) return invalid("参数错误");
    const task: SimulatedTask | undefined = store.get(read.data.taskId);
    if (!task) return noParent();
    if (task.startedAtMs !== null) return invalid("关联任务状态错误");
    store.start(task);
    return said(1, "提交成功", task.id);
  }

  const byName: Readonly<Record<string, (body: unknown) => SubmitResult>> = {
    imagine,
    change,
    action,
    modal,
  };
  return (name: string, body: unknown): SubmitResult => byName[name]?.(body) ?? invalid("?");
}

const SWITCHES = new Set(["ar", "v", "niji", "no", "seed", "stylize", "chaos", "style", "tile", "raw"]);

/** Malformed, unknown and repeated switches are illegal prompts. */
function syntaxFault(prompt: string): boolean {
  const names = [...prompt.matchAll(/(?:^|\s)(?:--|—)(\S*)/g)].map(([, name = ""]) => name);
  return names.some((name) => !SWITCHES.has(name)) || new Set(names).size < names.length;
}

/** `{a, b}` is two grids, and is billed as two. */
function permutationsOf(prompt: string): number {
  return [...prompt.matchAll(/\{([^{}]*)\}/g)].reduce(
    (product, [, inner = ""]) => product * inner.split(",").length,
    1,
  );
}
