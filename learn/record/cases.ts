/**
 * The reading side of the call log: the cases of one tool in one version, each input once, and the part of all inputs that
 * no trainer may ever see. Which side an input falls on depends on its bytes and a salt alone: it is the same for every
 * copy of the log, however often the input comes, and whichever process asks.
 */
import {
  accept,
  accepts,
  type Digest,
  encode,
  hashValue,
  hex,
  sameValue,
  sha256,
  type Type,
  type Value,
} from "../../graph/mod.ts"
import { type CallLog, callsOn } from "./log.ts"

/** One thing that a tool was asked, and what it answered. */
export interface ToolCase {
  readonly args: Value
  readonly value: Value
  /** The first call on record that showed it. */
  readonly seq: number
}

export interface CasesOptions {
  readonly space?: string
  readonly tool: string
  readonly version: string
  /** Inputs that do not fit are left out: nothing may be learnt from what the tool's own schema refuses. */
  readonly input?: Type
  /** What it gives: bytes do not tell 5 from an int64 that is 5, only types do. */
  readonly output?: Type
  /** Calls up to this one: a training that takes its time sees one state of the log. */
  readonly upTo?: number
  readonly digest?: Digest
}

/**
 * The cases of a tool, in the order of the log, each input once. Failed calls are no cases. That one input has one answer
 * is `lookOver`'s to say; here the first counts. Fails with `LearnError` (`log`).
 */
export function* casesOf(log: CallLog, options: CasesOptions): Generator<ToolCase> {
  const { space = "", tool, version, input, output, upTo = Number.POSITIVE_INFINITY, digest = sha256 } = options
  const fits = input === undefined ? () => true : accepts(input)
  const [argsOf, valueOf] = [typed(input), typed(output)]
  const seen = new Set<string>()
  for (const { seq, args, outcome, version: of } of callsOn(log, space, tool)) {
    if (seq > upTo) return
    if (of !== version || !outcome.ok || !fits(args)) continue
    const key = hex(hashValue(args, digest))
    if (seen.has(key)) continue
    seen.add(key)
    yield { args: argsOf(args), value: valueOf(outcome.value), seq }
  }
}

/** The same value as the type has it; what the type would make another value of stays as it is. */
function typed(type: Type | undefined): (value: Value) => Value {
  if (type === undefined) return (value) => value
  const [fits, take] = [accepts(type), accept(type)]
  return (value) => {
    const taken = fits(value) ? take(value) : value
    return sameValue(taken, value) ? taken : value
  }
}

export interface HoldOut {
  /** From 0 to 1: the share of all inputs that is kept from training. */
  readonly share: number
  /** Another salt is another part. Whoever trains may know it; the part is still not trained on. */
  readonly salt: string
  readonly digest?: Digest
}

/** Is this input kept from training? SHA-256 of salt and canonical bytes, the first 32 bits against the share. */
export function isHeldOut(args: Value, { share, salt, digest = sha256 }: HoldOut): boolean {
  const hash = digest(encode([salt, args]))
  const bits = ((hash[0]! << 24) | (hash[1]! << 16) | (hash[2]! << 8) | hash[3]!) >>> 0
  return bits < share * 2 ** 32
}

/** Cases in two parts: to learn from, and held out. */
export function splitCases(
  cases: Iterable<ToolCase>,
  how: HoldOut,
): { readonly learn: readonly ToolCase[]; readonly heldOut: readonly ToolCase[] } {
  const learn: ToolCase[] = []
  const heldOut: ToolCase[] = []
  for (const one of cases) (isHeldOut(one.args, how) ? heldOut : learn).push(one)
  return { learn, heldOut }
}

/** A state of the log for one tool: what a training begins with, and holds its end against. */
export interface Snapshot {
  readonly space: string
  readonly tool: string
  readonly version: string
  /** The newest call that it saw. */
  readonly upTo: number
}

/** The newest version of a tool, up to its newest call; undefined where none is on record. */
export function snapshotOf(log: CallLog, tool: string, space = ""): Snapshot | undefined {
  log.flush()
  const versions = log.tools(space).find((t) => t.tool === tool)?.versions ?? []
  const newest = versions.reduce<(typeof versions)[number] | undefined>(
    (a, b) => (a === undefined || b.last > a.last ? b : a),
    undefined,
  )
  return newest && { space, tool, version: newest.version, upTo: newest.last }
}

/** The version that the tool has become since the snapshot, where it is another one: what was learnt is of a tool that is gone. */
export function changedSince(log: CallLog, snapshot: Snapshot): string | undefined {
  const now = snapshotOf(log, snapshot.tool, snapshot.space)
  return now === undefined || now.version === snapshot.version ? undefined : now.version
}
