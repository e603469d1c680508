/**
 * Runs that nobody waits for: begun under an id that follows from what started them, so that the store's own order of entries
 * lets one of all servers begin each, once. They are on record before anything of them is done, and go on by themselves.
 */
import type { Value } from "../../graph/mod.ts"
import { KernelError, type LedgerStore, openRun } from "../../kernel/mod.ts"
import type { Engine, Ready, RunOptions, RunResult } from "./engine.ts"

export interface Begun {
  readonly run: string
  /** What it comes to. */
  readonly result: Promise<RunResult>
}

/** Runs that are being begun here. */
const beginning = new WeakMap<Engine, Map<string, Promise<unknown>>>()

/** Begins a run; undefined where one of that id has begun before, here or elsewhere. Fails with `KernelError`, `Overloaded`. */
export async function begin(
  engine: Engine,
  ready: Ready,
  run: string,
  input: Value,
  options: Omit<RunOptions, "id"> = {},
): Promise<Begun | undefined> {
  const here = beginning.get(engine) ?? new Map<string, Promise<unknown>>()
  beginning.set(engine, here)
  // Entries of one process go to the store in one batch: two beginnings of one run in it would both be refused.
  for (let other = here.get(run); other !== undefined; other = here.get(run)) await other.catch(() => {})
  const begun = open(engine, ready, run, input, options)
  here.set(run, begun)
  try {
    return await begun
  } finally {
    here.delete(run)
  }
}

async function open(
  engine: Engine,
  ready: Ready,
  run: string,
  input: Value,
  options: Omit<RunOptions, "id">,
): Promise<Begun | undefined> {
  const isThere = async () => (await engine.store.entries(engine.space, run)).rows.length > 0
  if (await isThere()) return undefined
  const kept: (void | Promise<void>)[] = []
  // A plan that is not kept, since it calls closures of this process, could not be gone on with elsewhere.
  const parks = (await engine.store.getBlob(ready.admitted.hash)) !== undefined
  const recording = engine.recording(options, options.tenant, parks)
  const store = heard(recording.store, (first) => {
    if (kept.length === 0) kept.push(first)
  })
  const begun = Promise.withResolvers<void>()
  const take = async () => {
    const record = openRun(ready.admitted, { ...recording, store, run, space: engine.space, input })
    await kept[0]
    begun.resolve()
    return record
  }
  try {
    const result = ready.on(take, input, options)
    result.catch(begun.reject)
    await begun.promise
    return { run, result }
  } catch (cause) {
    if (cause instanceof KernelError && cause.reason === "conflict" && (await isThere())) return undefined
    throw cause
  }
}

/** The same store, telling of each entry when it will be kept. */
const heard = (store: LedgerStore, tell: (kept: void | Promise<void>) => void): LedgerStore => ({
  ...(store.salted ? { salted: true } : {}),
  append: (row) => {
    const kept = store.append(row)
    tell(kept)
    return kept
  },
  runs: (...args) => store.runs(...args),
  entries: (...args) => store.entries(...args),
  parked: (...args) => store.parked(...args),
  putBlob: (...args) => store.putBlob(...args),
  getBlob: (...args) => store.getBlob(...args),
  close: () => store.close(),
})

/** Has the run ended? Also one of which nothing is on record any more. */
export async function hasEnded(engine: Engine, run: string): Promise<boolean> {
  const { rows } = await engine.store.entries(engine.space, run)
  return rows.length === 0 || rows.at(-1)!.kind === "end"
}
