/**
 * The ledger: a hash-chained record of what ran, one chain per run. An entry *is* its canonical bytes, which hold the
 * hash of the entry before it; its hash is the digest of these bytes. Inputs and outcomes are kept beside the entry as
 * `data` and stand in it by their hash only, so that an outcome is encoded once and digested once.
 */
import { type Awaitable, type Delivery, type Digest, decode, encode, type Path, type Value } from "../graph/mod.ts"
import { kernelError } from "./errors.ts"

export const LEDGER_FORMAT = 1

export type { Delivery }

/** What a call spent, in the order of `AMOUNTS` (`budget.ts`); null where nobody counted. */
export type Spent = readonly number[] | null

/**
 * What a parked run waits for: a person, a moment, an event from outside, somebody who
 * knows what came of a write (`uncertain`), leave to send one (`held`), or a larger budget (`budget`).
 */
export type Why = "ask" | "sleep" | "event" | "uncertain" | "held" | "budget"
/**
 * How a wait was answered: with a value or a failure (`answered`), by time (`due`); of an uncertain write that it was done
 * (`delivered`), that it was not and counts as failed (`refused`), or that it was not and is to be sent again (`again`).
 */
export type Answered = "answered" | "due" | "delivered" | "refused" | "again"
export type Verified = "kept" | "wrong" | "dropped" | "off"

/** A call, and the hash of its arguments; what something came to, by its hash. */
type Called = { readonly path: Path; readonly input: Uint8Array }
type Came = { readonly outcome: Uint8Array; readonly message: string | null }

/** The kinds of entry and what each holds after the common head, in this order. Hashes are 32 bytes, times milliseconds since the epoch; `message` is the text of a failure (code and data are in `data`), null for a value. */
export type EntryBody =
  /** The run began. `data`: the input. `pins`: hash of the blob with what the plan's tools were pinned to, in hexadecimal. `held`: its writes wait for leave. */
  | {
      readonly kind: "start"
      readonly graph: string
      readonly plan: string
      readonly pins: string | null
      readonly input: Uint8Array
      readonly held?: true
    }
  /** What a read found. `data`: the outcome. `cachedMs`: taken from a cache that may be so old; then no call was made. */
  | ({
      readonly kind: "read"
      readonly resource: string | null
      readonly attempts: number
      readonly cachedMs: number | null
      readonly spent?: Spent
    } & Called &
      Came)
  /** A write is about to be sent. `args`: it can be undone, so its arguments are kept as `data`. */
  | ({
      readonly kind: "intent"
      readonly resource: string | null
      readonly key: string
      readonly args?: true
    } & Called)
  /** What came of the write whose intent is entry `intent`. `data`: the outcome. */
  | ({
      readonly kind: "outcome"
      readonly intent: number
      readonly how: Delivery
      readonly attempts: number
      readonly spent?: Spent
    } & Came)
  /** Part `n` of what the call at `path` learnt on its way; 0 begins anew. `data`: what it gave. In no trace. */
  | ({
      readonly kind: "part"
      readonly n: number
      readonly outcome: Uint8Array
      readonly spent: Spent
    } & Called)
  /** The run rests until the node at `path` has its answer. `data`: the request (`Waiting`). `until`: when it is due by itself. */
  | ({
      readonly kind: "parked"
      readonly why: Why
      readonly request: Uint8Array
      readonly until: number | null
    } & Called)
  /** What somebody, or the clock, answered. `data`: the outcome; none where the write is to be sent again. */
  | {
      readonly kind: "answer"
      readonly path: Path
      readonly how: Answered
      readonly by: string
      readonly outcome: Uint8Array | null
      readonly message: string | null
    }
  /** An outcome that no tool gave to this run: taken over from run `from`, or put there by a person where that is null. */
  | ({
      readonly kind: "taken"
      readonly effect: "read" | "write"
      readonly resource: string | null
      readonly from: string | null
    } & Called &
      Came)
  /**
   * What became of a guess: a prediction that stood in for the outcome at `path`. `kept`: the tool answered the same; `wrong`:
   * it did not; `dropped`: never held against the tool, because what it rested on was wrong or the run ended; `off`: none was
   * made. `why`: of `off`, why not; of others which inference computed it, and why that one. `by`: hash of the weights;
   * `outcome`: of the prediction. No part of the trace.
   */
  | ({
      readonly kind: "guess"
      readonly verdict: Verified
      readonly by: string | null
      readonly alpha: number | null
      readonly confidence: number | null
      readonly why: string | null
      readonly outcome: Uint8Array | null
    } & Called)
  /** A read that was called on guessed arguments and did not count: one of the guesses `on` which it rested was wrong, or it gave no answer. */
  | ({
      readonly kind: "discarded"
      readonly resource: string | null
      readonly on: readonly Path[]
      readonly attempts: number
      readonly spent: Spent
    } & Called)
  /**
   * The failure that a handler met in the scope at `path`: of several on their way it was the first, which no other entry
   * tells. `data`: the failure, as an outcome. No part of the trace.
   */
  | { readonly kind: "met"; readonly path: Path; readonly outcome: Uint8Array; readonly message: string | null }
  /** The run goes on after a stop: parked, or its process died. */
  | { readonly kind: "resume"; readonly by: string }
  /**
   * What the run did is undone from here on, the latest first. `data`: the outcome that the run had come to; it ends in the
   * same. `left`: writes that somebody wants to stay. Nothing else may follow an end.
   */
  | ({
      readonly kind: "undo"
      readonly by: string
      readonly left: readonly string[]
    } & Came)
  /** The run ended. `data`: its outcome. */
  | { readonly kind: "end"; readonly outcome: Uint8Array; readonly message: string | null; readonly trace: string }

export type EntryKind = EntryBody["kind"]

export interface Entry {
  /** The tenant. */
  readonly space: string
  readonly run: string
  /** 0 for `start`, then one more each. */
  readonly seq: number
  /** Hash of the entry before; 32 zero bytes for the first. */
  readonly prev: Uint8Array
  readonly at: number
  readonly body: EntryBody
}

/** An entry as it is kept. The columns repeat what the bytes say, for look-ups; `verifyChain` compares them. */
export interface Row {
  readonly space: string
  readonly run: string
  readonly seq: number
  readonly kind: EntryKind
  readonly entry: Uint8Array
  readonly data: Uint8Array | null
  readonly hash: Uint8Array
  /** Of a salted entry: salt and input hash of the call; removed by a redaction. */
  readonly asked?: Uint8Array
  /** Of a salted entry: salt and what else it says about data (hashes, the text of a failure, the trace hash); likewise. */
  readonly told?: Uint8Array
  /** Of a `parked` entry that is due by itself: when, in milliseconds since the epoch. */
  readonly due?: number
}

/** The last entry of a chain: what somebody else may keep to notice a truncation or a rewrite. */
export interface Head {
  readonly seq: number
  readonly hash: Uint8Array
}
export interface RunHead extends Head {
  readonly space: string
  readonly run: string
  readonly ended: boolean
  /** Of a run that rests: when its first wait is due by itself, null where somebody has to answer. Undefined for other runs. */
  readonly parked?: { readonly due: number | null }
}

/** `before`: the last entry that a bounded store let go of; null where the rows begin at the start. */
export interface Chain {
  readonly before: Head | null
  readonly rows: readonly Row[]
}

export interface LedgerStore {
  /** Keeps one entry. Returns when it is kept, or a promise of that; fails with `KernelError`. Entries of a run come in order. */
  readonly append: (row: Row) => void | Promise<void>
  /** Keeps entries for good, so that they are to be salted: of what is here, something may have to be removed one day. */
  readonly salted?: true
  /** Looks at the bytes and the hash of a row only when somebody asks for them: the beginning and the end of a run are then sealed no sooner. */
  readonly late?: true
  /** The runs of a space, the latest started first; `before`: those that started before that run, none where it is not known. */
  readonly runs: (space: string, limit: number, before?: string) => Awaitable<readonly RunHead[]>
  readonly entries: (space: string, run: string) => Awaitable<Chain>
  /** Runs whose last entry is `parked`, those first that are due first; with `dueBy` only those that are due by then. */
  readonly parked: (space: string, limit: number, dueBy?: number) => Awaitable<readonly RunHead[]>
  /** Runs in flight whose process has died, the first that began first; of a store that knows who has them. */
  readonly left?: (space: string, limit: number) => Awaitable<readonly RunHead[]>
  /**
   * Keeps bytes under their hash (plans, pins, bundles of code), at the latest with the next entry that is appended. Keeping
   * the same bytes again does nothing.
   */
  readonly putBlob: (hash: string, bytes: Uint8Array) => void | Promise<void>
  readonly getBlob: (hash: string) => Awaitable<Uint8Array | undefined>
  readonly close: () => Awaitable<void>
}

export const GENESIS: Uint8Array = new Uint8Array(32)

/** The order of fields in an entry's bytes. The type makes a forgotten kind or field fail to compile. */
const FIELDS: { readonly [K in EntryKind]: readonly Exclude<keyof Extract<EntryBody, { kind: K }>, "kind">[] } = {
  start: ["graph", "plan", "pins", "input", "held"],
  read: ["path", "resource", "input", "outcome", "message", "attempts", "cachedMs", "spent"],
  intent: ["path", "resource", "input", "key", "args"],
  outcome: ["intent", "how", "outcome", "message", "attempts", "spent"],
  part: ["path", "n", "input", "outcome", "spent"],
  parked: ["path", "why", "input", "request", "until"],
  answer: ["path", "how", "by", "outcome", "message"],
  taken: ["path", "effect", "resource", "input", "outcome", "message", "from"],
  guess: ["path", "input", "verdict", "by", "alpha", "confidence", "why", "outcome"],
  discarded: ["path", "resource", "input", "on", "attempts", "spent"],
  met: ["path", "outcome", "message"],
  resume: ["by"],
  undo: ["by", "left", "outcome", "message"],
  end: ["outcome", "message", "trace"],
}

/** The last field of some is mentioned only where it is true: that arguments of a write are kept, that writes are held. */
const MORE: { readonly [kind in EntryKind]?: string } = { start: "held", intent: "args" }
const fieldsOf = (kind: EntryKind, more: boolean): readonly string[] =>
  MORE[kind] === undefined || more ? FIELDS[kind] : FEWER[kind]!
const FEWER: { readonly [kind in EntryKind]?: readonly string[] } = {
  start: FIELDS.start.slice(0, -1),
  intent: FIELDS.intent.slice(0, -1),
}

/**
 * Fields that say something about data, even if only its hash, from which a guess of it could be tested. In a salted entry
 * they are null, and two digests stand at its end instead: of `asked` and of `told`, salt included. With these removed
 * nothing is left to test a guess on, and the chain is as it was.
 */
const SECRET: { readonly [kind in EntryKind]: { readonly asked?: string; readonly told: readonly string[] } } = {
  start: { told: ["input"] },
  read: { asked: "input", told: ["outcome", "message"] },
  intent: { asked: "input", told: [] },
  outcome: { told: ["outcome", "message"] },
  part: { asked: "input", told: ["outcome"] },
  parked: { asked: "input", told: ["request"] },
  answer: { told: ["outcome", "message"] },
  taken: { asked: "input", told: ["outcome", "message"] },
  guess: { asked: "input", told: ["outcome"] },
  discarded: { asked: "input", told: [] },
  met: { told: ["outcome", "message"] },
  resume: { told: [] },
  undo: { told: ["outcome", "message"] },
  end: { told: ["outcome", "message", "trace"] },
}
/** Bytes of salt for one entry: half for `asked`, half for `told`. */
export const SALT_BYTES = 32
const SALT = SALT_BYTES / 2

/**
 * The row of an entry: `encode([1, space, run, seq, prev, at, kind, …fields])` and the digest of that. With a salt, which
 * must be random and used once, the entry holds no hash of data.
 */
export function seal(entry: Entry, data: Uint8Array | null, digest: Digest, salt?: Uint8Array): Row {
  const { space, run, seq, body } = entry
  const fields = body as { readonly [field: string]: Value }
  const hidden = salt === undefined ? undefined : hide(body.kind, fields, salt)
  const bytes = encode(listOf(entry, digest, hidden))
  const row: Row = { space, run, seq, kind: body.kind, entry: bytes, data, hash: digest(bytes) }
  if (hidden !== undefined) Object.assign(row, hidden)
  return body.kind === "parked" && body.until !== null ? { ...row, due: body.until } : row
}

/** What the bytes of every entry begin with; its fields follow. */
export function preamble({ space, run, seq, prev, at }: Omit<Entry, "body">, kind: EntryKind): Value[] {
  return [LEDGER_FORMAT, space, run, seq, prev, at, kind]
}

function listOf(entry: Entry, digest: Digest, hidden?: Hidden): Value[] {
  const { body } = entry
  const list = preamble(entry, body.kind)
  const fields = body as { readonly [field: string]: Value }
  const names = fieldsOf(body.kind, fields[MORE[body.kind] ?? ""] === true)
  if (hidden === undefined) for (const field of names) list.push(fields[field] ?? null)
  else {
    const { asked, told } = SECRET[body.kind]
    for (const field of names) list.push(field === asked || told.includes(field) ? null : (fields[field] ?? null))
    for (const part of [hidden.asked, hidden.told]) list.push(part === undefined ? null : digest(part))
  }
  return list
}

type Hidden = Pick<Row, "asked" | "told">

function hide(kind: EntryKind, fields: { readonly [field: string]: Value }, salt: Uint8Array): Hidden {
  const { asked, told } = SECRET[kind]
  return {
    ...(asked === undefined ? {} : { asked: joined(salt.subarray(0, SALT), fields[asked] as Uint8Array) }),
    ...(told.length === 0 ? {} : { told: joined(salt.subarray(SALT), encode(told.map((f) => fields[f] ?? null))) }),
  }
}
function joined(a: Uint8Array, b: Uint8Array): Uint8Array {
  const out = new Uint8Array(a.length + b.length)
  out.set(a)
  out.set(b, a.length)
  return out
}

/**
 * An entry with what stands beside it put back. `redacted`: something of it was removed, and is empty here. Fails with
 * `KernelError` (`corrupt`, `format`).
 */
export const openRow = (row: Pick<Row, "entry" | "asked" | "told">): Opened => putBack(readEntry(row.entry), row)

export type Opened = Entry & { readonly redacted: boolean }
export function putBack({ entry, hidden }: Read, row: Pick<Row, "asked" | "told">): Opened {
  if (hidden === undefined) return { ...entry, redacted: false }
  const { asked, told } = SECRET[entry.body.kind]
  const back: { [field: string]: Value } = {}
  if (asked !== undefined) back[asked] = row.asked?.slice(SALT) ?? NOTHING
  const says = row.told === undefined ? undefined : decode(row.told.subarray(SALT))
  if (says !== undefined && (!Array.isArray(says) || says.length !== told.length))
    throw kernelError("corrupt", `Cannot read what stands beside ledger entry ${entry.seq}`)
  const list = says as readonly Value[] | undefined
  for (const [i, field] of told.entries())
    back[field] = list !== undefined ? list[i]! : field === "message" ? null : field === "trace" ? "" : NOTHING
  const redacted = (asked !== undefined && row.asked === undefined) || (told.length > 0 && list === undefined)
  return { ...entry, body: { ...entry.body, ...back } as EntryBody, redacted }
}
const NOTHING = new Uint8Array(0)

/** Reads an entry's bytes back; of a salted one, what is not secret (`openRow` gives the rest). Fails with `KernelError` (`corrupt`, `format`). */
export const openEntry = (bytes: Uint8Array): Entry => readEntry(bytes).entry

/** An entry as its bytes say it. */
export interface Read {
  readonly entry: Entry
  /** Digests of `asked` and `told`, of a salted entry. */
  readonly hidden?: readonly [asked: Uint8Array | null, told: Uint8Array | null]
}
/** Fails with `KernelError` (`corrupt`, `format`). */
export function readEntry(bytes: Uint8Array): Read {
  let list: Value
  try {
    list = decode(bytes)
  } catch (cause) {
    throw kernelError(
      "corrupt",
      `Cannot read a ledger entry of ${bytes.length} bytes: ${(cause as Error).message}`,
      cause,
    )
  }
  if (!Array.isArray(list)) throw kernelError("corrupt", "Cannot read a ledger entry: it is not a list")
  const [format, space, run, seq, prev, at, kind, ...rest] = list as Value[]
  if (format !== LEDGER_FORMAT) {
    throw kernelError("format", `Cannot read a ledger entry: format must be ${LEDGER_FORMAT}, found ${String(format)}`)
  }
  const of = typeof kind === "string" && Object.hasOwn(FIELDS, kind) ? (kind as EntryKind) : undefined
  const fields = of === undefined ? undefined : fieldsOf(of, rest[FIELDS[of].length - 1] === true)
  if (
    fields === undefined ||
    (fields.length !== rest.length && fields.length + 2 !== rest.length) ||
    typeof space !== "string" ||
    typeof run !== "string" ||
    typeof seq !== "number" ||
    typeof at !== "number" ||
    !(prev instanceof Uint8Array)
  ) {
    throw kernelError("corrupt", `Cannot read a ledger entry: it has not the form of "${String(kind)}"`)
  }
  const entry: Entry = { space, run, seq, prev, at, body: bodyOf(of!, rest.slice(0, fields.length)) }
  if (rest.length === fields.length) return { entry }
  const [asked, told] = rest.slice(fields.length)
  if (!isHash(asked) || !isHash(told)) throw kernelError("corrupt", "Cannot read a ledger entry: its digests are none")
  return { entry, hidden: [asked, told] }
}
/** The body that has these fields, in the order of an entry's bytes. */
export function bodyOf(kind: EntryKind, fields: readonly Value[]): EntryBody {
  const names = fieldsOf(kind, fields.length === FIELDS[kind].length)
  return Object.fromEntries([["kind", kind], ...names.map((name, i) => [name, fields[i]])]) as EntryBody
}
const isHash = (x: Value | undefined): x is Uint8Array | null => x === null || x instanceof Uint8Array

/** The hash that an entry's `data` must have, or null where it has none. */
export function dataHash(body: EntryBody): Uint8Array | null {
  switch (body.kind) {
    case "start":
      return body.input
    case "parked":
      return body.request
    case "intent":
      return body.args === true ? body.input : null
    case "guess":
    case "discarded":
    case "resume":
      return null
    default:
      return body.outcome
  }
}
