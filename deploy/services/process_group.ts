/**
 * A child process with all that it starts: servers are mostly started through `npx`, which starts a shell, which starts the
 * server. It leads a process group, which is ended whole, at the latest when this process exits. Nothing is left behind.
 */
import type { ChildProcess } from "node:child_process"
import process from "node:process"

/** Process groups that are alive; ended for good when this process exits, whatever the reason it has time to notice. */
const groups = new Set<number>()
let watching = false

/** From now on, all groups end with this process. */
export function watchExit(): void {
  if (watching) return
  watching = true
  process.on("exit", () => {
    for (const pid of groups) signalGroup(pid, "SIGKILL")
  })
}

/** Are there process groups? On Windows there are none. */
export const hasProcessGroups = (): boolean => process.platform !== "win32"

/** The child that was started with `detached` leads a group of its own. */
export function listGroup(child: ChildProcess): void {
  if (child.pid !== undefined) groups.add(child.pid)
}
/** The leader is gone; whatever it left in its group goes too. */
export function endGroup(child: ChildProcess): void {
  if (child.pid === undefined) return
  signalGroup(child.pid, "SIGKILL")
  groups.delete(child.pid)
}

/** Signals a whole group; a group that has ended already is what we wanted. */
export function signalGroup(pid: number, signal: "SIGTERM" | "SIGKILL"): boolean {
  try {
    process.kill(-pid, signal)
    return true
  } catch {
    return false
  }
}
