/**
 * The shadows of a project's folder as running programs have them: those that are there when it starts, and from then on those
 * that training has put there since, without those that went. A run that looks ahead goes on with what it began with.
 */
import type { Shadow, Shadows } from "../../graph/mod.ts"
import { byTool } from "./by_tool.ts"
import { ShadowStoreError } from "./card.ts"
import { Doors } from "./doors.ts"
import { type KeptShadow, ShadowStore } from "./store.ts"

/** Milliseconds from one look at the folder to the next. */
const LOOK_MS = 1_000

/** Shadows that serve, until `close`, which keeps what was seen of them. */
export interface OpenShadows extends Shadows {
  readonly named: (tool: string, version: string) => Shadow | undefined
  readonly edition: () => number
  /** Looks at the folder now; it is looked at every second anyway. */
  readonly look: () => Promise<void>
  readonly close: () => void
}

/**
 * The shadows of a project's folder, for whoever looks ahead. `told` hears, once, why one of them may not serve. Where nobody
 * can know which doors are shut, none does. Fails with `ShadowStoreError` where the folder cannot be read.
 */
export async function openShadows(
  folder: string,
  told: (problem: ShadowStoreError) => void = () => {},
  lookMs = LOOK_MS,
): Promise<OpenShadows> {
  let doors: Doors
  try {
    doors = new Doors({ folder, onLost: told })
  } catch (cause) {
    if (!(cause instanceof ShadowStoreError)) throw cause
    told(cause)
    return { ...servedBy([]), edition: () => 0, look: async () => {}, close: () => {} }
  }
  const serving = new Serving(new ShadowStore(folder), doors, told)
  try {
    await serving.look()
  } catch (cause) {
    doors.close()
    throw cause
  }
  const looks = setInterval(() => serving.look().catch(serving.told), lookMs)
  looks.unref()
  return {
    of: (tool) => serving.served.of(tool),
    named: (tool, version) => serving.served.named(tool, version),
    edition: () => serving.edition,
    look: () => serving.look(),
    close: () => {
      clearInterval(looks)
      doors.close()
    },
  }
}

class Serving {
  served = servedBy([])
  edition = 0
  readonly #store: ShadowStore
  readonly #doors: Doors
  readonly told: (problem: ShadowStoreError) => void
  readonly #said = new Set<string>()
  #marks: string | undefined
  #looking: Promise<void> | undefined

  constructor(store: ShadowStore, doors: Doors, told: (problem: ShadowStoreError) => void) {
    this.#store = store
    this.#doors = doors
    this.told = (problem) => {
      if (this.#said.has(problem.message)) return
      this.#said.add(problem.message)
      told(problem)
    }
  }

  /** One look at a time. */
  look(): Promise<void> {
    this.#looking ??= this.#look().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #look(): Promise<void> {
    for (let marks = await this.#store.marks(); marks !== this.#marks; ) {
      const { shadows, problems } = await this.#store.all((shadow, promised) => this.#doors.of(shadow, promised))
      const after = await this.#store.marks()
      // Training was just putting one there: what was read may be half of each.
      const changed = after !== marks
      marks = after
      if (changed) continue
      this.served = servedBy(shadows)
      this.edition++
      this.#marks = marks
      for (const problem of problems) this.told(problem)
    }
  }
}

const servedBy = (kept: readonly KeptShadow[]) =>
  byTool(kept.map(({ card: { tool, version }, opened: { shadow } }) => ({ tool, version, shadow })))
