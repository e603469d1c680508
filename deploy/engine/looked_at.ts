/** What stands for the tools of a run that began before, or that is only looked at. */
import type { Executor, Modules } from "../../graph/mod.ts"
import { kernelError } from "../../kernel/mod.ts"

/** Modules as a run that began before has them: by the bundle that was kept. */
export const asBefore = (modules: Modules): Modules => ({
  hash: modules.hash,
  load: (module, name, sha256) => modules.load(module, name, sha256, true),
})

/** Stands for a tool that must not be called. */
export const UNTOUCHED: Executor = {
  execute: () => {
    throw kernelError("misuse", "Cannot call a tool: this run is only looked at")
  },
}
