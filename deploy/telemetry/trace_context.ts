/**
 * Where a run stands in a trace: ids, the header that carries them from one service to the next, and which traces are
 * kept. Source: W3C Trace Context (Recommendation 2021-11-23), "Traceparent Header".
 */
import { hex, sha256 } from "../../graph/mod.ts"

/** A span as others see it. */
export interface Place {
  /** 16 bytes, lower-case hex. */
  readonly traceId: string
  /** 8 bytes, lower-case hex. */
  readonly spanId: string
  readonly sampled: boolean
}

const HEADER = /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/

/** Undefined for what is no `traceparent`: whoever sends that has no trace. */
export function readTraceparent(text: string | null | undefined): Place | undefined {
  const [, traceId, spanId, flags, more] = HEADER.exec(text ?? "") ?? []
  // Version 00 has nothing after the flags; later ones may.
  if (traceId === undefined || (more !== undefined && text!.startsWith("00"))) return undefined
  return { traceId, spanId: spanId!, sampled: (Number.parseInt(flags!, 16) & 1) === 1 }
}

export const writeTraceparent = ({ traceId, spanId, sampled }: Place): string =>
  `00-${traceId}-${spanId}-0${sampled ? 1 : 0}`

/** Where a run stands in a trace. Its id is hashed when it is first asked for: runs that are only counted need none. */
export class TracePlace {
  readonly from: Place | undefined
  readonly #run: string
  #traceId: string | undefined

  constructor(run: string, from: Place | undefined) {
    this.#run = run
    this.from = from
  }

  get traceId(): string {
    return (this.#traceId ??= this.from?.traceId ?? traceOfRun(this.#run))
  }
}

/** The trace of a run that came with none: one for all of its parts, on whatever server and day it goes on. */
const traceOfRun = (run: string): string => hex(sha256(new TextEncoder().encode(run)).subarray(0, 16))

const POOL = new Uint8Array(1024)
let used = POOL.length

/** A fresh id of a span. */
export function freshSpanId(): string {
  if (used === POOL.length) {
    globalThis.crypto.getRandomValues(POOL)
    used = 0
  }
  const bytes = POOL.subarray(used, used + 8)
  used += 8
  return bytes.every((b) => b === 0) ? freshSpanId() : hex(bytes)
}

/** Which traces are kept: those that whoever asked keeps, and of the others this part. */
export interface Sampler {
  /** From 0, none, to 1, all. */
  readonly ratio: number
  /** Does whoever asks decide, where he says? */
  readonly parent: boolean
}

/** The same for every span of a trace, on every server: by its id. */
export function isSampled({ ratio, parent }: Sampler, place: Pick<TracePlace, "traceId" | "from">): boolean {
  const { from } = place
  if (parent && from !== undefined) return from.sampled
  if (ratio >= 1 || ratio <= 0) return ratio >= 1
  return Number.parseInt(place.traceId.slice(-13), 16) < ratio * 2 ** 52
}
