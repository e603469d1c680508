/**
 * Undoing: the kernel says which call is due, and it is made as any other is: with its limits, attempts, timeouts and its
 * record. One after another, since each is the reverse of something that came before what is undone already.
 */
import { Failure, fail, toFailure } from "../graph/mod.ts"
import type { Due, Undone } from "../kernel/mod.ts"
import { Frame } from "./frame.ts"
import type { Program, StepCode } from "./program.ts"
import { recall } from "./rest.ts"
import type { RunSettings } from "./settings.ts"
import { taskOf } from "./task.ts"
import { Vm } from "./vm.ts"

/**
 * Takes back what a run did, as far as that goes: `RunRecord.undos.report` says how far. Undefined where the
 * run has to wait for somebody first. Fails with `KernelError` where something could not be recorded.
 */
export async function undo(program: Program, settings: RunSettings): Promise<Undone | undefined> {
  const { record } = settings
  const undos = record.undos!
  // Whoever stops the run has come too late: what is half undone is worse than either. Only the process can end it.
  for (let due = undos.next(); due !== undefined; due = undos.next()) {
    if ("wait" in due) {
      if (record.parks) {
        record.waits.push(due.wait)
        return undefined
      }
      undos.stop(fail("Uncertain", "Nobody knows what came of it, and this run cannot rest until somebody says"))
      break
    }
    const rests = await new Calling(program, settings).call(due)
    if (rests) return undefined
  }
  return undos.report
}

/** One call that stands in no scope. */
class Calling extends Vm {
  #rests: (() => void) | undefined

  override rested(): void {
    this.#rests?.()
  }

  /** True where it waits for what another process will learn. */
  async call({ path, extern, args, fresh }: Extract<Due, { extern: number }>): Promise<boolean> {
    const { record } = this.settings
    const tool = this.program.tools[extern]!
    const frame = new Frame(this.program.scopes[0]!, undefined, undefined)
    const task = taskOf(this, frame, { ...STEP, tool }, args, path)
    task.undoes = true
    const resting = new Promise<true>((resolve) => {
      this.#rests = () => resolve(true)
    })
    const made = async (): Promise<false> => {
      try {
        await (record.past === undefined || fresh ? this.attempts.begin(task) : recall(this.attempts, task))
      } catch (cause) {
        if (!(cause instanceof Failure)) throw cause
        // What is on record of it says more; where nothing is, it was never sent.
        if (record.undos!.isOpen(path)) record.undos!.stop(toFailure(cause, path))
      }
      return false
    }
    try {
      return await Promise.race([this.driver.counted(made()), resting])
    } finally {
      this.attempts.close()
    }
  }
}

/** A step of no plan: what a call needs of one. */
const STEP = {
  kind: "invoke",
  preds: new Uint32Array(),
  bodies: [],
  path: [],
  eager: true,
} as unknown as StepCode
