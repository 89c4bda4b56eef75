/** @module Webhooks in a simulation: simulators send them over the wire; who hears of them, when and how often, the seed says. */
import { readWebhookPath, receiveWebhook } from "@atelier/core/webhook";
import type { Hosts } from "./hosts.ts";
import type { Scheduler } from "./scheduler.ts";

interface Notice {
  readonly path: string;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: string;
}

/** Takes in what simulators send over the wire, and hands it on in an order, and as often, as the seed says. */
export function createWebhooks(scheduler: Scheduler, isQuiet: boolean) {
  const received: Notice[] = [];
  let waiting = 0;

  function deliver(notice: Notice, hosts: Hosts): void {
    const named = readWebhookPath(notice.path);
    if (!named) throw new Error(`A webhook came to ${notice.path}.`);
    const answered = ({ status }: { status: number }) => scheduler.count(`webhook answered ${status}`);
    // Who was told nothing sends it again, most of the time.
    const again = () => {
      scheduler.count("webhook not confirmed");
      if (scheduler.random(10) < 7) later(notice, hosts, 1_000 + scheduler.random(30_000));
    };
    const call = { ...named, headers: notice.headers, rawBody: Buffer.from(notice.body) };
    if (!isQuiet && scheduler.random(3) === 0) {
      // A server in a process: what it dies of is more than this.
      receiveWebhook(call, hosts.asMachine().installation).then(answered, again);
      return;
    }
    const { installation, over } = hosts.asFunction("webhook", again);
    receiveWebhook(call, installation).finally(over).then(answered, again);
  }

  function later(notice: Notice, hosts: Hosts, inMs: number): void {
    waiting++;
    scheduler.after(inMs, () => {
      waiting--;
      deliver(notice, hosts);
    });
  }

  return {
    waiting: () => waiting,
    receive({ path, headers, body }: { path: string; headers: object; body: string }): number {
      received.push({ path, headers: { ...headers }, body });
      return 200;
    },
    dispatch(hosts: Hosts): void {
      // Several came at once over several connections: their order is the seed's, not the machine's.
      const notices = received
        .splice(0)
        .sort((one, other) => (one.path < other.path ? -1 : one.path > other.path ? 1 : 0));
      for (const notice of notices) {
        if (isQuiet) {
          later(notice, hosts, 0);
          continue;
        }
        const isLate = scheduler.random(40) === 0;
        later(notice, hosts, isLate ? scheduler.random(180_000) : scheduler.random(1_500));
        if (scheduler.random(40) === 0) later(notice, hosts, scheduler.random(60_000));
      }
    },
  };
}
