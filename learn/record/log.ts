/**
 * The call log: calls of tools, bounded by count and bytes for each tool, the oldest forgotten first. Here is the service
 * that a host supplies, and the log in memory; what lies on a disk is `deploy`'s (`deploy/record/call_log.ts`), held to the same tests.
 */
import { callBytes, type KeptCall, openCall, type RecordedCall } from "./call.ts"

export interface CallLogBounds {
  /** Calls kept of one tool; with the next one the oldest go. */
  readonly callsMax: number
  /** Bytes of arguments and answers kept of one tool. */
  readonly bytesMax: number
  /** A call with more bytes is not kept at all; it is counted as refused. */
  readonly callBytesMax: number
}

export const CALL_LOG_BOUNDS: CallLogBounds = { callsMax: 100_000, bytesMax: 64 << 20, callBytesMax: 1 << 20 }
/** When a bound is met, this share of it is made free at once, so that not every call has to make room. */
export const ROOM_SHARE = 1 / 16

/** What a log holds of one tool. */
export interface ToolOnLog {
  readonly tool: string
  readonly calls: number
  readonly bytes: number
  /** Calls that the bounds let go of: the oldest, or too large. */
  readonly dropped: number
  readonly refused: number
  /** In the order in which they were first seen. */
  readonly versions: readonly VersionOnLog[]
}
export interface VersionOnLog {
  readonly version: string
  readonly calls: number
  /** `seq` of its oldest and newest call on record. */
  readonly first: number
  readonly last: number
}

/** All methods answer at once and fail with `LearnError`, but for `add`, which never fails: a call that is not recorded is no reason to fail the call. */
export interface CallLog {
  /** Takes a call; it may be written later, with others. One that is too large, or no value, is counted and left out. */
  readonly add: (call: RecordedCall) => void
  /** Writes what was taken. */
  readonly flush: () => void
  readonly tools: (space: string) => readonly ToolOnLog[]
  /** Calls of a tool after `seq`, the oldest first, at most `limit`. */
  readonly page: (space: string, tool: string, after: number, limit: number) => readonly KeptCall[]
  /** Removes all calls of a tool, and says how many they were. */
  readonly forget: (space: string, tool: string) => number
  readonly close: () => void
}

const PAGE = 1_000

/** Every call of a tool that is on record when it is asked for, the oldest first, a page at a time. */
export function* callsOn(log: CallLog, space: string, tool: string, after = 0): Generator<KeptCall> {
  for (let from = after; ; ) {
    const page = log.page(space, tool, from, PAGE)
    yield* page
    if (page.length < PAGE) return
    from = page.at(-1)!.seq
  }
}

interface Kept {
  readonly seq: number
  readonly call: Omit<RecordedCall, "args" | "outcome">
  readonly bytes: Uint8Array
}
interface Shelf {
  readonly calls: Kept[]
  bytes: number
  dropped: number
  refused: number
}

/** The log of one process, gone with it. */
export class MemoryCallLog implements CallLog {
  readonly #bounds: CallLogBounds
  readonly #shelves = new Map<string, Shelf>()
  #seq = 0

  constructor(bounds: Partial<CallLogBounds> = {}) {
    this.#bounds = { ...CALL_LOG_BOUNDS, ...bounds }
  }

  add(call: RecordedCall): void {
    const { callsMax, bytesMax, callBytesMax } = this.#bounds
    const shelf = this.#shelf(call.space, call.tool)
    const bytes = bytesOf(call)
    if (bytes === undefined || bytes.length > callBytesMax) {
      shelf.refused++
      return
    }
    const { args: _a, outcome: _o, ...rest } = call
    shelf.calls.push({ seq: ++this.#seq, call: rest, bytes })
    shelf.bytes += bytes.length
    if (shelf.calls.length > callsMax || shelf.bytes > bytesMax) makeRoom(shelf, this.#bounds)
  }

  flush(): void {}

  tools(space: string): readonly ToolOnLog[] {
    const mine = [...this.#shelves].filter(([key]) => key.startsWith(`${space}\0`)).sort(([a], [b]) => (a < b ? -1 : 1))
    return mine.map(([key, { calls, bytes, dropped, refused }]) => ({
      tool: key.slice(space.length + 1),
      calls: calls.length,
      bytes,
      dropped,
      refused,
      versions: versionsIn(calls.map(({ seq, call }) => ({ seq, version: call.version }))),
    }))
  }

  page(space: string, tool: string, after: number, limit: number): readonly KeptCall[] {
    const calls = this.#shelves.get(`${space}\0${tool}`)?.calls ?? []
    const from = calls.findIndex(({ seq }) => seq > after)
    return from === -1
      ? []
      : calls.slice(from, from + limit).map(({ seq, call, bytes }) => ({ ...call, ...openCall(bytes), seq }))
  }

  forget(space: string, tool: string): number {
    const key = `${space}\0${tool}`
    const calls = this.#shelves.get(key)?.calls.length ?? 0
    this.#shelves.delete(key)
    return calls
  }

  close(): void {}

  #shelf(space: string, tool: string): Shelf {
    const key = `${space}\0${tool}`
    const shelf = this.#shelves.get(key) ?? { calls: [], bytes: 0, dropped: 0, refused: 0 }
    this.#shelves.set(key, shelf)
    return shelf
  }
}

/** The bytes of a call; undefined where something in it is no value. */
export function bytesOf(call: RecordedCall): Uint8Array | undefined {
  try {
    return callBytes(call)
  } catch {
    return undefined
  }
}

function makeRoom(shelf: Shelf, { callsMax, bytesMax }: CallLogBounds): void {
  const calls = callsMax - Math.floor(callsMax * ROOM_SHARE)
  const bytes = bytesMax - Math.floor(bytesMax * ROOM_SHARE)
  let gone = 0
  while (gone < shelf.calls.length - 1 && (shelf.calls.length - gone > calls || shelf.bytes > bytes))
    shelf.bytes -= shelf.calls[gone++]!.bytes.length
  shelf.calls.splice(0, gone)
  shelf.dropped += gone
}

function versionsIn(calls: readonly { readonly seq: number; readonly version: string }[]): readonly VersionOnLog[] {
  const versions = new Map<string, { version: string; calls: number; first: number; last: number }>()
  for (const { seq, version } of calls) {
    const known = versions.get(version)
    if (known === undefined) versions.set(version, { version, calls: 1, first: seq, last: seq })
    else {
      known.calls++
      known.last = seq
    }
  }
  return [...versions.values()]
}
