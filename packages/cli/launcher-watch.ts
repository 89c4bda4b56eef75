/**
 * @module Notices that the launcher is gone. Where Node cannot put a program in its own place (Node 20, Windows) the launcher is
 * a process of its own; killed, it cannot pass that on.
 */

const LOOK_MS = 500;

/**
 * @param launcherPid as the launcher wrote it into the environment; another process than our parent: it was not for us
 * @param onGone called once
 */
export function watchLauncher(launcherPid: string | undefined, onGone: () => void): void {
  if (launcherPid !== String(process.ppid)) return;
  const timer = setInterval(() => {
    if (launcherPid === String(process.ppid)) return;
    clearInterval(timer);
    onGone();
  }, LOOK_MS);
  // Watching is no reason to stay alive.
  timer.unref();
}
