/** Saves of files that a graph may depend on, as `dev` and `serve --watch` wait for them. */
import { type FSWatcher, watch } from "node:fs"
import { LOCK_FILE, PROJECT_FILE } from "../project/project.ts"

/** Editors save in several steps. */
const SETTLE_MS = 80
/** What is worth running again for. */
const WATCHED = /\.(ya?ml|json|m?[jt]s)$/

/** Saves below a folder, one at a time. */
export class Saves {
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
