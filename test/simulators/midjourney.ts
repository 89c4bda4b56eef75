/**
 * @module A midjourney-proxy for tests, over real HTTP on loopback, in either dialect: strict about what it is asked, with faults on
 * demand. Time is the test's; `tick` sends the hooks that have become due.
 */
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Clock } from "@atelier/core/ids";
import { gridPng, quarterPng } from "./midjourney-pictures.ts";
import { createSubmits } from "./midjourney-submits.ts";
import {
  type Bought,
  type Dialect,
  type Hook,
  type HookFault,
  type JobFault,
  type SimulatedTask,
  TaskStore,
} from "./midjourney-tasks.ts";
import type { SeenRequest } from "./scripted-server.ts";

/** Where a fault strikes. Imagines and upscales are submits; a window's confirmation is part of its upscale. */
export type FaultPlace = "imagine" | "upscale" | "modal" | "fetch" | "list" | "picture";

/** `accepted`: the work is done all the same. Delays are real time. */
export type WireFault =
  | { readonly kind: "delay"; readonly ms: number }
  | { readonly kind: "rate-limit"; readonly seconds: number; readonly where: "header" | "body" }
  | { readonly kind: "status"; readonly status: number; readonly accepted?: boolean }
  | { readonly kind: "reset"; readonly accepted?: boolean }
  | { readonly kind: "silence"; readonly accepted?: boolean }
  /** Half a JSON document; the work is done. */
  | { readonly kind: "malformed" }
  /** A result code of the wrapper's own with nothing made; 22 alone means that it was. */
  | { readonly kind: "code"; readonly code: number; readonly description?: string; readonly status?: number }
  /** Of pictures: the first half, a page instead, gone, or a byte at a time. */
  | { readonly kind: "truncated" | "wrong" | "expired" }
  | { readonly kind: "drip"; readonly pieceMs: number };

export interface MidjourneyOptions {
  readonly dialect: Dialect;
  readonly clock: Clock;
  /** Null (the default): open to all. */
  readonly apiKey?: string | null;
  /** Default a minute. */
  readonly gridMs?: number;
  /** Default ten seconds. */
  readonly upscaleMs?: number;
  /** How late a late hook is; default 20 minutes. */
  readonly hookLateMs?: number;
  readonly numericIds?: boolean;
  readonly singlePictures?: boolean;
  /** Buttons open a window that must be confirmed by `modal`. Default: false. */
  readonly windows?: boolean;
  /** Edge of a quarter; default 16 pixels. */
  readonly quarterPixels?: number;
  /** Whether tasks from before are there; default: one, of a day ago. */
  readonly earlierTasks?: boolean;
  /** Default: a POST that is not repeated, whose failure nobody hears of. */
  readonly deliver?: (hook: Hook) => Promise<unknown>;
}

export interface SimulatedMidjourney {
  /** Before `/mj`. */
  readonly origin: string;
  readonly requests: SeenRequest[];
  /** What Midjourney was given, and charged. */
  bought(): Bought;
  tasks(): readonly SimulatedTask[];
  /** The next requests there go wrong, in the order in which faults were given. */
  spoil(place: FaultPlace, fault: WireFault, times?: number): void;
  /** What becomes of the task that is made next. */
  spoilJob(fault: JobFault): void;
  spoilHooks(fault: HookFault): void;
  /** A restart that loses all tasks. */
  forgetAll(): void;
  /** Sends the hooks that have become due. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

export async function startMidjourney(options: MidjourneyOptions): Promise<SimulatedMidjourney> {
  const { dialect, apiKey = null, quarterPixels = 16, deliver = post } = options;
  const requests: SeenRequest[] = [];
  const faults: { place: FaultPlace; fault: WireFault }[] = [];
  const nextJobs: JobFault[] = [];
  const nextHooks: HookFault[] = [];
  const server = createServer((incoming, response) => {
    answer(incoming, response).catch(() => response.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const store = new TaskStore({
    dialect,
    clock: options.clock,
    origin,
    gridMs: options.gridMs ?? 60_000,
    upscaleMs: options.upscaleMs ?? 10_000,
    hookLateMs: options.hookLateMs ?? 20 * 60_000,
    numericIds: options.numericIds ?? false,
    singlePictures: options.singlePictures ?? false,
  });
  if (options.earlierTasks ?? true) store.makeEarlier(24 * 60 * 60_000);
  const submits = createSubmits(store, {
    windows: options.windows ?? false,
    nextJob: () => nextJobs.shift() ?? null,
    nextHook: () => nextHooks.shift() ?? null,
  });

  async function answer(incoming: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = Buffer.concat(await incoming.toArray()).toString("utf8");
    const { method = "", url = "", headers } = incoming;
    requests.push({ method, path: url, headers, body });
    const place = placeOf(url);
    const at = faults.findIndex((one) => one.place === place);
    const fault = at < 0 ? undefined : faults.splice(at, 1)[0]?.fault;
    if (place === "picture") return picture(url, response, fault);

    const key = headers["mj-api-secret"] ?? headers.authorization?.replace(/^Bearer /, "");
    if (apiKey !== null && key !== apiKey) return end(response, 401, "");
    if (fault?.kind === "delay") await new Promise((resolve) => setTimeout(resolve, fault.ms));
    const wasAccepted =
      fault === undefined ||
      ["delay", "malformed"].includes(fault.kind) ||
      ("accepted" in fault && fault.accepted === true) ||
      (fault.kind === "code" && fault.code === 22);
    const good = wasAccepted ? respond(method, url, body) : { status: 200, text: "" };
    switch (fault?.kind) {
      case "rate-limit":
        return fault.where === "header"
          ? end(response, 429, "", { "retry-after": String(fault.seconds) })
          : end(response, 429, JSON.stringify({ code: 23, description: "busy", retry_after: fault.seconds }));
      case "status":
        return end(response, fault.status, "");
      case "reset":
        incoming.socket.resetAndDestroy();
        return;
      case "silence":
        return;
      case "malformed":
        return end(response, 200, good.text.slice(0, good.text.length >> 1) || "{");
      case "code": {
        const { code, description = "?", status = 200 } = fault;
        const result = code === 22 ? (JSON.parse(good.text) as { result: unknown }).result : null;
        return end(response, status, JSON.stringify({ code, description, result, properties: null }));
      }
      default:
        // novicezk answers some submits as text/plain.
        return end(response, good.status, good.text, {
          "content-type": dialect === "change" ? "text/plain;charset=UTF-8" : "application/json",
        });
    }
  }

  function respond(method: string, url: string, body: string): { status: number; text: string } {
    const json = (value: unknown, status = 200) => ({ status, text: JSON.stringify(value) });
    const viewsOf = (tasks: readonly SimulatedTask[]) => json(tasks.map((task) => store.viewOf(task)));
    const [, kind = "", name = "", verb = ""] = /^\/mj\/(submit|task)\/([\w-]+)(?:\/(\w+))?$/.exec(url) ?? [];
    const route = `${method} ${kind}/${verb === "" ? name : `{id}/${verb}`}`;
    switch (route) {
      case "POST submit/imagine":
      case "POST submit/change":
      case "POST submit/action":
      case "POST submit/modal": {
        const { status, ...said } = submits(name, JSON.parse(body));
        return json(said, status);
      }
      case "GET task/{id}/fetch": {
        const task = store.get(name);
        // Spring and ASP.NET answer a missing object with nothing.
        return task ? json(store.viewOf(task)) : { status: dialect === "change" ? 200 : 204, text: "" };
      }
      case "GET task/list": {
        const newest = store.all().toReversed();
        return viewsOf(dialect === "change" ? newest : newest.slice(0, 100));
      }
      case "POST task/list-by-condition": {
        const { ids } = JSON.parse(body) as { ids: string[] };
        return viewsOf(ids.flatMap((id) => store.get(id) ?? []));
      }
      case "POST task/{id}/cancel": {
        if (dialect === "change") break;
        const task = store.get(name);
        const hasEnded = task && ["SUCCESS", "FAILURE", "CANCEL"].includes(store.statusOf(task));
        if (task && !hasEnded) task.cancelledAtMs = options.clock();
        return { status: 200, text: "" };
      }
    }
    return json({ status: 404, error: "Not Found" }, 404);
  }

  async function picture(url: string, response: ServerResponse, fault: WireFault | undefined): Promise<void> {
    const [, id = "", part] = /^\/attachments\/(\d+)(?:-(\w+))?\.png$/.exec(url) ?? [];
    const task = store.get(id);
    if (!task || fault?.kind === "expired") return end(response, 404, "");
    if (fault?.kind === "status") return end(response, fault.status, "");
    if (fault?.kind === "reset") return void response.destroy();
    if (fault?.kind === "wrong")
      return end(response, 200, "<!doctype html><p>This content is no longer available.");
    const bytes = pictureOf(task, part);
    response.writeHead(200, { "content-type": "image/png", "content-length": bytes.length });
    if (fault?.kind === "truncated") {
      response.write(bytes.subarray(0, bytes.length >> 1), () => response.destroy());
      return;
    }
    if (fault?.kind === "drip") {
      for (const byte of bytes) {
        if (response.destroyed) return;
        response.write(Uint8Array.of(byte));
        await new Promise((resolve) => setTimeout(resolve, fault.pieceMs));
      }
      response.end();
      return;
    }
    response.end(bytes);
  }

  function pictureOf(task: SimulatedTask, part: string | undefined): Uint8Array {
    const edge = quarterPixels;
    if (task.action === "UPSCALE") return quarterPng(task.gridId ?? "", task.quarter ?? 0, 2 * edge);
    if (part === "preview") return gridPng(task.id, edge >> 1);
    return part === undefined ? gridPng(task.id, edge) : quarterPng(task.id, Number(part), edge);
  }

  return {
    origin,
    requests,
    bought: () => store.bought,
    tasks: () => store.all(),
    spoil(place, fault, times = 1) {
      for (let time = 0; time < times; time++) faults.push({ place, fault });
    },
    spoilJob: (fault) => void nextJobs.push(fault),
    spoilHooks: (fault) => void nextHooks.push(fault),
    forgetAll: () => store.forgetAll(),
    async tick() {
      for (const hook of store.takeHooks()) await deliver(hook);
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function placeOf(url: string): FaultPlace {
  if (url.startsWith("/attachments/")) return "picture";
  if (url.endsWith("/submit/imagine")) return "imagine";
  if (url.endsWith("/submit/modal")) return "modal";
  if (url.startsWith("/mj/submit/")) return "upscale";
  return url.includes("/task/list") ? "list" : "fetch";
}

function end(
  response: ServerResponse,
  status: number,
  text: string,
  headers: Readonly<Record<string, string>> = {},
): void {
  response.writeHead(status, headers).end(text);
}

async function post({ url, body }: Hook): Promise<void> {
  await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body }).catch(
    () => undefined,
  );
}
