/** `dev`: checks and runs a graph again whenever something that it depends on is saved. */
import { type FSWatcher, watch } from "node:fs"
import { LOCK_FILE, PROJECT_FILE } from "../project.ts"
import { findSource } from "../source.ts"
import { programOf } from "./bytes.ts"
import { type Call, EXIT, usage } from "./command.ts"
import { showError } from "./errors.ts"
import { runProgram, Stop, settingsOf } from "./run.ts"

/** Editors save in several steps. */
const SETTLE_MS = 80
/** What is worth running again for. */
const WATCHED = /\.(ya?ml|json|m?[jt]s)$/

export async function run(call: Call): Promise<number> {
  const [named, ...words] = call.words
  if (named === undefined) throw usage("dev wants a graph", "shadowgraph dev quote.graph.yaml order=A17")
  const settings = settingsOf(call)
  const { err, env, cwd } = call.terminal
  const source = await findSource(named, cwd)
  const granted: string[] = []
  const saves = new Saves(source.folder)
  const { dim } = err.colours
  let quit = false
  const off = call.terminal.onInterrupt(() => {
    quit = true
    saves.wake()
  })
  try {
    while (!quit) {
      const stop = new Stop(call, settings.timeoutMs)
      saves.onSave(() => stop.now(EXIT.ok))
      try {
        const program = await programOf(call, named)
        if (program !== undefined) {
          await runProgram(call, program, words, { ...settings, stop, granted, again: ["dev", named, ...words] })
        }
      } catch (cause) {
        await showError(cause, call.terminal, !!env["SHADOWGRAPH_DEBUG"])
      } finally {
        stop.off()
      }
      if (quit) break
      err.write(dim("waiting for a save, Ctrl-C ends\n"))
      const file = await saves.next()
      if (file !== undefined) err.write(`\n${dim(`${file} was saved`)}\n`)
    }
    return EXIT.ok
  } finally {
    off()
    saves.close()
  }
}

/** Saves below a folder, one at a time. */
class Saves {
  readonly #watcher: FSWatcher
  #waiting: ((file: string | undefined) => void) | undefined
  #pending: string | undefined
  #timer: ReturnType<typeof setTimeout> | undefined
  #onSave: (() => void) | undefined

  constructor(folder: string) {
    this.#watcher = watch(folder, { recursive: true }, (_, name) => {
      if (name === null || !this.#counts(name)) return
      clearTimeout(this.#timer)
      this.#timer = setTimeout(() => this.#saved(name), SETTLE_MS)
    })
    this.#watcher.on("error", () => {})
  }

  /** Generated and kept files are saved by runs themselves. */
  #counts(name: string): boolean {
    const parts = name.split(/[\\/]/)
    if (parts.some((p) => p.startsWith(".") || p === "node_modules" || p === "out")) return false
    return name === LOCK_FILE || name === PROJECT_FILE || (WATCHED.test(name) && !/\.d\.\w+\.ts$/.test(name))
  }

  #saved(name: string): void {
    this.#pending = name
    this.#onSave?.()
    this.#answer()
  }

  #answer(): void {
    if (this.#waiting === undefined) return
    const [waiting, name] = [this.#waiting, this.#pending]
    this.#waiting = undefined
    this.#pending = undefined
    waiting(name)
  }

  /** Called at a save while nobody waits for the next one. */
  onSave(tell: () => void): void {
    this.#onSave = tell
  }

  next(): Promise<string | undefined> {
    this.#onSave = undefined
    return new Promise((resolve) => {
      this.#waiting = resolve
      if (this.#pending !== undefined) this.#answer()
    })
  }

  wake(): void {
    this.#onSave?.()
    this.#answer()
  }

  close(): void {
    clearTimeout(this.#timer)
    this.#watcher.close()
  }
}
