/**
 * A training as bytes, to go on with later: header as JSON, numbers as they lie in memory, a SHA-256 over all of it. A
 * training that goes on from its checkpoint gives the same weights as one that was never cut.
 */
import { hex, sha256 } from "../../graph/mod.ts"
import { type LearnError, learnError } from "../errors.ts"
import { type Examples, fingerprint } from "./examples.ts"
import { Trainer, type TrainSettings, type TrainState } from "./trainer.ts"

interface Header {
  readonly format: number
  readonly examples: string
  readonly settings: TrainSettings
  readonly state: TrainState
}

const MAGIC = "SGTR"
const FORMAT = 1
const HASH_BYTES = 32

/** The training as it is between two steps. */
export function checkpointOf(trainer: Trainer): Uint8Array {
  const { state, numbers } = trainer.parts
  const examples = hex(fingerprint(trainer.examples))
  const header: Header = { format: FORMAT, examples, settings: trainer.settings, state }
  const text = new TextEncoder().encode(JSON.stringify(header))
  const size = numbers.reduce((n, a) => n + a.length * 4, 0)
  const bytes = new Uint8Array(8 + text.length + size + HASH_BYTES)
  const view = new DataView(bytes.buffer)
  bytes.set(new TextEncoder().encode(MAGIC))
  view.setUint32(4, text.length, true)
  bytes.set(text, 8)
  let at = 8 + text.length
  for (const array of numbers) for (let i = 0; i < array.length; i++, at += 4) view.setFloat32(at, array[i]!, true)
  bytes.set(sha256(bytes.subarray(0, at)), at)
  return bytes
}

/** The training that goes on where a checkpoint was made, with the examples that it had then. */
export function resumed(bytes: Uint8Array, examples: Examples): Trainer | LearnError {
  const header = headerOf(bytes)
  if (!("format" in header)) return header
  if (header.format !== FORMAT) return wrong(`format ${FORMAT}`, String(header.format), "train again from the start")
  const found = hex(fingerprint(examples))
  if (header.examples !== found) {
    return wrong(
      `the examples ${header.examples.slice(0, 12)}…`,
      `${found.slice(0, 12)}…`,
      "give those that it had, or train again",
    )
  }
  const trainer = Trainer.of(examples, header.settings)
  if (!(trainer instanceof Trainer)) return trainer
  if (!isState(header.state)) return wrong("a training in the middle", "something else", "train again from the start")
  const { numbers: own } = trainer.parts
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  let at = 8 + view.getUint32(4, true)
  const size = own.reduce((n, a) => n + a.length * 4, 0)
  if (at + size + HASH_BYTES !== bytes.length) {
    return wrong(`${size} bytes of numbers`, `${bytes.length - at - HASH_BYTES}`, "train again from the start")
  }
  const numbers = own.map((a) => {
    const read = Float32Array.from(a, (_, i) => view.getFloat32(at + i * 4, true))
    at += a.length * 4
    return read
  })
  trainer.restore(header.state, numbers)
  return trainer
}

function headerOf(bytes: Uint8Array): Header | LearnError {
  const damaged = (found: string) => wrong("a whole checkpoint", found, "use the one before, or train again")
  if (new TextDecoder().decode(bytes.subarray(0, 4)) !== MAGIC) return damaged("another file")
  const end = bytes.length - HASH_BYTES
  if (end < 8) return damaged(`${bytes.length} bytes`)
  if (hex(sha256(bytes.subarray(0, end))) !== hex(bytes.subarray(end))) return damaged("one that was cut or changed")
  const length = new DataView(bytes.buffer, bytes.byteOffset, bytes.length).getUint32(4, true)
  const header = length <= end - 8 ? jsonOf(bytes.subarray(8, 8 + length)) : undefined
  return isHeader(header) ? header : damaged("one without a description")
}

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder().decode(bytes))
  } catch {
    return undefined
  }
}

// A hash says that nobody changed the file, not who wrote it.

function isHeader(h: unknown): h is Header {
  if (typeof h !== "object" || h === null) return false
  const { format, examples, settings, state } = h as Partial<Header>
  if (typeof format !== "number" || typeof examples !== "string") return false
  return (
    typeof settings === "object" && settings !== null && Array.isArray(settings.hidden) && typeof state === "object"
  )
}

function isState(s: TrainState | null): boolean {
  if (s === null || !Array.isArray(s.powers)) return false
  const counts = [s.step, s.round, s.at, s.rows, s.stale, s.perfect]
  const powers = s.powers.length === 2 && s.powers.every((x) => typeof x === "number" && x >= 0 && x <= 1)
  return counts.every((n) => Number.isSafeInteger(n) && n >= 0) && powers && Number.isFinite(s.sum)
}

const wrong = (want: string, found: string, next: string): LearnError =>
  learnError("checkpoint", `Cannot go on with the checkpoint: want ${want}, found ${found}; ${next}`)
