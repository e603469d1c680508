/**
 * What a host remembers under a name between two lives: how far along a schedule it was, and the run that came of it. In the
 * ledger's own store, so that servers which share it share this too; a mark says nothing that a run's record does not say
 * better, and who loses one begins from now.
 */
import type { Awaitable } from "../../graph/mod.ts"
import type { Storage } from "../storage/port.ts"

export interface Mark {
  /** Milliseconds since the epoch: everything until then has been seen to. */
  readonly seen: number
  /** The last run that came of it. */
  readonly run: string | null
}

export interface Marks {
  readonly get: (space: string, name: string) => Awaitable<Mark | undefined>
  readonly set: (space: string, name: string, mark: Mark) => Awaitable<void>
}

/** For ledgers in memory, whose runs are gone with them. */
export class MemoryMarks implements Marks {
  readonly #marks = new Map<string, Mark>()

  get(space: string, name: string): Mark | undefined {
    return this.#marks.get(`${space.length}:${space}${name}`)
  }
  set(space: string, name: string, mark: Mark): void {
    this.#marks.set(`${space.length}:${space}${name}`, mark)
  }
}

const SET = `INSERT INTO ledger_mark (space, name, seen, run) VALUES (?, ?, ?, ?)
  ON CONFLICT (space, name) DO UPDATE SET seen = excluded.seen, run = excluded.run`

export class SqlMarks implements Marks {
  readonly #storage: Storage

  constructor(storage: Storage) {
    this.#storage = storage
  }

  async get(space: string, name: string): Promise<Mark | undefined> {
    const found = await this.#storage.all("SELECT seen, run FROM ledger_mark WHERE space = ? AND name = ?", [
      space,
      name,
    ])
    const [row] = found
    return row === undefined ? undefined : { seen: Number(row["seen"]), run: row["run"] as string | null }
  }

  async set(space: string, name: string, { seen, run }: Mark): Promise<void> {
    await this.#storage.batch([[SET, [space, name, seen, run]]])
  }
}
