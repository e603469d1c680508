/**
 * What a client hears while a run goes on: progress, where it gave a token for it, and log messages. Progress counts calls
 * of tools that have ended, and always grows; what a tool itself notes comes in between. A run with very many calls is
 * told of in samples.
 */
import type { RunEvent } from "../../bus/mod.ts"
import { printPath } from "../../graph/mod.ts"

export interface Heard {
  readonly progress?: ((progress: number, message: string) => void) | undefined
  readonly log: (level: "debug" | "info" | "warning", data: object) => void
  /** Milliseconds of a monotonic clock. */
  readonly tick: () => number
}

/** At most one notice in so many milliseconds. */
const GAP_MS = 20

export function hearing({ progress, log, tick }: Heard): (event: RunEvent) => void {
  let done = 0
  let notes = 0
  let last = Number.NEGATIVE_INFINITY
  return (event) => {
    if (event.type !== "start" && event.type !== "end" && event.type !== "note") return
    const path = printPath(event.path)
    if (event.type === "end") {
      done++
      notes = 0
    }
    if (event.type === "end" && !event.ok) log("warning", { node: path, ended: "failed", attempts: event.attempts })
    const now = tick()
    if (now - last < GAP_MS) return
    last = now
    if (event.type === "note") {
      // Between this call's end and the one before.
      progress?.(done + 1 - 1 / (++notes + 1), `${path}: ${event.text}`)
      log("info", { node: path, note: event.text })
    } else if (event.type === "start") log("debug", { node: path, begun: event.kind, effect: event.effect })
    else {
      progress?.(done, `${path} ${event.ok ? "done" : "failed"}`)
      if (event.ok) log("debug", { node: path, ended: "ok", ...(event.cached ? { cached: true } : {}) })
    }
  }
}
