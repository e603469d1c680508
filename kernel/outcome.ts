/**
 * An outcome as it is kept: its canonical bytes, which are what the trace hashes, and the message of a failure, which is
 * not hashed and stands beside them. Beside it the graph's hash, with which a trace begins.
 */
import {
  acceptAnswer,
  brokenBy,
  type Digest,
  decode,
  encode,
  Failure,
  fail,
  failureIdentity,
  type Outcome,
  type Type,
  unhex,
  type Value,
} from "../graph/mod.ts"
import type { Admitted } from "./admit.ts"

/** An outcome with the bytes that `outcomeHash` (`graph/trace.ts`) is the digest of: encoded once, for the ledger and for the hash. */
export class Encoded {
  readonly outcome: Outcome
  readonly data: Uint8Array
  readonly #digest: Digest
  #hash: Uint8Array | undefined

  constructor(outcome: Outcome, data: Uint8Array, digest: Digest) {
    this.outcome = outcome
    this.data = data
    this.#digest = digest
  }
  get hash(): Uint8Array {
    this.#hash ??= this.#digest(this.data)
    return this.#hash
  }
}

export function encoded(given: Outcome, digest: Digest): Encoded {
  const outcome: Outcome = given.ok || isWorded(given.failure) ? given : { ok: false, failure: worded(given.failure) }
  try {
    const data = encode(outcome.ok ? ["value", outcome.value] : ["failure", failureIdentity(outcome.failure)])
    return new Encoded(outcome, data, digest)
  } catch (cause) {
    // What a validator let through is no value of ours after all, or a tool's failure carries something that is none.
    const failure = outcome.ok ? brokenBy(cause) : fail(outcome.failure.code, outcome.failure.message, { cause })
    return encoded({ ok: false, failure }, digest)
  }
}

/** A tool may put anything where the words of its failure belong; on record these are texts. */
const isWorded = ({ code, message }: Failure): boolean => typeof code === "string" && typeof message === "string"
const worded = (f: Failure): Failure =>
  fail(typeof f.code === "string" ? f.code : "Threw", typeof f.message === "string" ? f.message : "", {
    data: f.data,
    cause: f,
  })

/** Reads an outcome back from an entry's `data` and `message`. */
export function openOutcome(data: Uint8Array, message: string | null): Outcome {
  const [kind, value] = decode(data) as readonly [string, Value]
  if (kind === "value") return { ok: true, value }
  const { failure, data: more } = value as { readonly failure: string; readonly data: Value }
  return { ok: false, failure: fail(failure, message ?? "", { data: more }) }
}

export const outcomeOf = (came: Value | Failure): Outcome =>
  came instanceof Failure ? { ok: false, failure: came } : { ok: true, value: came }
/** Undefined where it has none. */
export const valueOf = (outcome: Outcome): Value | undefined => (outcome.ok ? outcome.value : undefined)
export const messageOf = (outcome: Outcome): string | null => (outcome.ok ? null : outcome.failure.message)

/** An outcome whose value is held as a port of that type holds it, which canonical bytes do not tell. */
export function heldBy(port: Type, outcome: Outcome): Outcome {
  return outcome.ok ? { ok: true, value: acceptAnswer(port)(outcome.value) } : outcome
}

const graphHashes = new WeakMap<Admitted, Uint8Array>()
/** The checked graph's hash as bytes, read once for each plan. */
export function graphHash(admitted: Admitted): Uint8Array {
  let bytes = graphHashes.get(admitted)
  if (bytes === undefined) graphHashes.set(admitted, (bytes = unhex(admitted.graph)))
  return bytes
}
