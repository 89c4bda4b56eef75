/// <reference path="../.sst/platform/config.d.ts" />
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Catalogue, Schedule } from "@atelier/core/catalogue";
import { isProduction } from "./stage.ts";

export interface Settings {
  readonly schedule: Schedule;
  /** One time zone for calendar, budgets and folders. */
  readonly timezone: string;
  /** What every function is told about this installation. */
  readonly environment: Readonly<Record<string, string>>;
  /** Who is told of alarms; null: nobody. */
  readonly alertEmail: string | null;
  /** Whether the calendar fires. It buys pictures: on a stage for trying it is off unless it is asked for. */
  readonly calendarFires: boolean;
}

/** Read from the shell or from `.env` and `.env.{stage}`, which SST loads. */
export function readSettings(): Settings {
  const schedule = readSchedule();
  const timezone = setting("ATELIER_TIMEZONE") ?? schedule.timezone;
  return {
    schedule,
    timezone,
    environment: {
      ATELIER_PROVIDER: setting("ATELIER_PROVIDER") ?? "replicate",
      ATELIER_TIMEZONE: timezone,
      ...optional("ATELIER_BUDGET_USD"),
      ...optional("ATELIER_BUDGET_MONTH_USD"),
      ...optional("ATELIER_TERMS"),
    },
    alertEmail: setting("ATELIER_ALERT_EMAIL"),
    calendarFires: calendarFires(),
  };
}

function calendarFires(): boolean {
  const wanted = setting("ATELIER_CALENDAR") ?? (isProduction ? "on" : "off");
  if (wanted !== "on" && wanted !== "off") {
    throw new Error(`ATELIER_CALENDAR is "${wanted}"; set it to on or off.`);
  }
  return wanted === "on";
}

/** The calendar as `npm run templates` has checked and compiled it. */
function readSchedule(): Schedule {
  const path = join($cli.paths.root, "dist", "catalogue.json");
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch {
    throw new Error("dist/catalogue.json is missing; run `npm run templates` before deploying.");
  }
  return (JSON.parse(text) as Catalogue).schedule;
}

function setting(name: string): string | null {
  return process.env[name]?.trim() || null;
}

function optional(name: string): Record<string, string> {
  const value = setting(name);
  return value === null ? {} : { [name]: value };
}
