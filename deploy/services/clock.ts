/** Real time. Everything that waits or measures gets it from here, so that a test can hand in a clock of its own. */
import type { Clock } from "../../graph/mod.ts"

export const systemClock: Clock = {
  now: () => Date.now(),
  tick: () => performance.now(),
  sleep: (ms, signal) =>
    new Promise((wake, reject) => {
      if (signal?.aborted) return reject(signal.reason)
      const stop = () => {
        clearTimeout(timer)
        reject(signal?.reason)
      }
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", stop)
        wake()
      }, ms)
      signal?.addEventListener("abort", stop, { once: true })
    }),
}
