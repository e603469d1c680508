/**
 * An outcome as it is kept: its canonical bytes, which are what the trace hashes, and the message of a failure, which is
 * not hashed and stands beside them.
 */
import {
  acceptAnswer,
  brokenBy,
  type Digest,
  decode,
  encode,
  fail,
  failureIdentity,
  type Outcome,
  type Type,
  type Value,
} from "../graph/mod.ts"

export class Encoded {
  readonly outcome: Outcome
  /** The bytes that `outcomeHash` (`graph/trace.ts`) is the digest of: encoded once, for the ledger and for the hash. */
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

export function encoded(outcome: Outcome, digest: Digest): Encoded {
  try {
    const data = encode(outcome.ok ? ["value", outcome.value] : ["failure", failureIdentity(outcome.failure)])
    return new Encoded(outcome, data, digest)
  } catch (cause) {
    // What a validator let through is no value of ours after all, or a tool's failure carries something that is none.
    if (outcome.ok) return encoded({ ok: false, failure: brokenBy(cause) }, digest)
    const { code, message } = outcome.failure
    const failure = fail(typeof code === "string" ? code : "Threw", typeof message === "string" ? message : "", {
      cause,
    })
    return encoded({ ok: false, failure }, digest)
  }
}

/** Reads an outcome back from an entry's `data` and `message`. */
export function openOutcome(data: Uint8Array, message: string | null): Outcome {
  const [kind, value] = decode(data) as readonly [string, Value]
  if (kind === "value") return { ok: true, value }
  const { failure, data: more } = value as { readonly failure: string; readonly data: Value }
  return { ok: false, failure: fail(failure, message ?? "", { data: more }) }
}

export const messageOf = (outcome: Outcome): string | null => (outcome.ok ? null : outcome.failure.message)

/** An outcome whose value is held as a port of that type holds it, which canonical bytes do not tell. */
export function heldBy(port: Type, outcome: Outcome): Outcome {
  return outcome.ok ? { ok: true, value: acceptAnswer(port)(outcome.value) } : outcome
}
