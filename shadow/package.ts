/**
 * A shadow as one file: its model, the region that its log covers, and what its calibration promises. The file's hash is
 * what the hold-out gate's verdict is about, so neither weights nor threshold nor region can change under a verdict.
 */
import { decode, encode, hex, isRecord, type Rec, type Shadow, sha256, type Value } from "../graph/mod.ts"
import { type Cells, type ComposedSpec, cells, composedShadow } from "./composed.ts"
import { EncodingRefused } from "./encode/refused.ts"
import type { Spec } from "./encode/spec.ts"
import { type Encoding, encodingFrom } from "./encode.ts"
import { type FormSpec, formOf, readForm } from "./forms.ts"
import { type HowItRan, ShadowModel, type ShadowModelOptions } from "./infer.ts"
import { ModelRefused, refusedModel } from "./model/refused.ts"
import { type Doorway, type Guesser, servedShadow, watchedDoor } from "./served.ts"
import { Support, type SupportData } from "./support.ts"
import { Watch, type WatchOptions } from "./watch.ts"
import { within } from "./within.ts"

/** `fitted`: a small network trained on calls. `composed`: exact arithmetic of checked cells, wired as calls showed. */
export type Family = "fitted" | "composed"

/** What calibration found, as it is kept: counts, from which every bound can be computed again. */
export interface Promised {
  readonly alpha: number
  readonly delta: number
  readonly threshold: number
  readonly cases: number
  readonly accepted: number
  readonly wrong: number
}

export interface ShadowPackage {
  readonly tool: string
  readonly version: string
  readonly family: Family
  /** An ONNX file, or the canonical bytes of a `ComposedSpec`. */
  readonly model: Uint8Array
  /** The encoding of arguments whose digits the support knows. */
  readonly input: Spec
  readonly support: SupportData
  readonly promised: Promised
}

export interface OpenedShadow {
  readonly package: ShadowPackage
  /** SHA-256 of the file, hexadecimal. */
  readonly hash: string
  /** What the model says, without a door. */
  readonly guess: Guesser
  readonly encoding: Encoding
  readonly support: Support
  readonly door: Doorway
  readonly shadow: Shadow
}

export interface OpenOptions extends ShadowModelOptions {
  /** Default: a door that closes for good once the tool answers otherwise. */
  readonly door?: (hash: string, promised: Promised) => Doorway
}

const FORMAT = 1
/** Share of the promised errors after which the watch of a served shadow closes, whatever else it finds. */
const SPEND = 0.8
/** How every served shadow is watched. */
export const watchOf = ({ alpha }: Pick<Promised, "alpha">): WatchOptions => ({ alpha, spend: SPEND })

export function packShadow(p: ShadowPackage): Uint8Array {
  const { states, pairs, seen, inputs } = p.support
  const value = {
    format: FORMAT,
    tool: p.tool,
    version: p.version,
    family: p.family,
    model: p.model,
    input: JSON.stringify(p.input),
    support: { states: [...states], pairs: pairs.map(([a, b]) => [a, b]), seen, inputs },
    promised: { ...p.promised },
  }
  return encode(value)
}

/** Opens a file of `packShadow`; nothing in it is trusted. Refused: bytes that are none, another version, parts that do not fit each other. */
export function openShadow(
  bytes: Uint8Array,
  { door: own, ...options }: OpenOptions = {},
): OpenedShadow | ModelRefused {
  const p = read(bytes)
  if (p instanceof ModelRefused) return p
  const encoding = encodingFrom(p.input)
  if (encoding instanceof EncodingRefused) return wrong("its encoding", "one that can be built", encoding.message)
  const support = Support.open(p.support, encoding.digits)
  if (support === undefined) return wrong("its support", "one for the digits of its encoding", "another")
  const guess = guesserOf(p.family, p.model, options)
  if (guess instanceof ModelRefused) return guess
  const { alpha, threshold } = p.promised
  const hash = hex(sha256(bytes))
  const door = own === undefined ? watchedDoor(threshold, new Watch(watchOf(p.promised))) : own(hash, p.promised)
  const shadow = servedShadow(guess, { encoding, support, alpha, door, by: hash })
  return { package: p, hash, guess, encoding, support, door, shadow }
}

/** The model alone as a function. */
export function guesserOf(family: Family, model: Uint8Array, options: ShadowModelOptions = {}): Guesser | ModelRefused {
  if (family === "composed") return composedGuesser(model, options)
  const made = ShadowModel.of(model, options)
  if (made instanceof ModelRefused) return made
  if (made instanceof EncodingRefused) return wrong("its model", "encodings that can be built", made.message)
  return (args) => {
    const said = made.predict(args)
    return "joint" in said ? { value: said.value, confidence: said.joint, ran: ranOf(said) } : undefined
  }
}

const ranOf = ({ ran, reason }: HowItRan): string => `${ran}: ${reason}`
const FORM = "form: exact, as it was recognised"
const CELLS = "cells: exact, of checked cells"

function composedGuesser(model: Uint8Array, kernel: ShadowModelOptions): Guesser | ModelRefused {
  const found = described(model)
  const own = cells(kernel)
  if (own instanceof ModelRefused) return own
  const say = found === undefined ? undefined : sayOf(found, own)
  const field = found?.["within"]
  if (say === undefined || (field !== undefined && typeof field !== "string"))
    return wrong("its model", "the description of composed arithmetic", "something else")
  const ran = readForm(found!) === undefined ? CELLS : FORM
  return (args) => {
    const inner = field === undefined ? args : within(args, field)
    const value = inner === undefined ? undefined : say(inner)
    return value === undefined ? undefined : { value, confidence: 1, ran }
  }
}

/** What a description says of arguments; undefined where it describes nothing that is known. */
function sayOf(found: Rec, own: Cells): ((args: Value) => Value | undefined) | undefined {
  const form = readForm(found)
  if (form !== undefined) return formOf(form, own)
  const spec = readSpec(found)
  if (spec === undefined) return undefined
  const shadow = composedShadow(spec, own)
  return (args) => {
    const said = shadow.predict(args)
    return said.ok ? (said.value as Value) : undefined
  }
}

function described(model: Uint8Array): Rec | undefined {
  try {
    const found = decode(model)
    return isRecord(found) ? found : undefined
  } catch {
    // Bytes of nobody's: said by whoever asked.
    return undefined
  }
}

/** The description of a composed model; `field`: the one that holds all arguments, see `within.ts`. */
export const composedBytes = (spec: ComposedSpec | FormSpec, field?: string): Uint8Array =>
  encode({ ...spec, ...(field === undefined ? {} : { within: field }) } as unknown as Value)

const OPERATIONS: ReadonlySet<unknown> = new Set(["add", "subtract", "multiply", "divide"])
function readSpec(spec: Rec): ComposedSpec | undefined {
  const { of, left, right, by, result } = spec
  const texts = typeof left === "string" && typeof right === "string"
  const words = isRecord(by) && isRecord(by["words"]) ? Object.values(by["words"]) : undefined
  const known =
    OPERATIONS.has(by) || (words?.every((w) => OPERATIONS.has(w)) === true && typeof (by as Rec)["field"] === "string")
  const fits =
    (of === "number" || of === "int64") && texts && known && (result === undefined || typeof result === "string")
  return fits ? (spec as unknown as ComposedSpec) : undefined
}

function read(bytes: Uint8Array): ShadowPackage | ModelRefused {
  let v: Value
  try {
    v = decode(bytes)
  } catch (cause) {
    return wrong("the file", "a shadow", `${bytes.length} bytes that are none: ${(cause as Error).message}`)
  }
  if (!isRecord(v)) return wrong("the file", "a shadow", "another value")
  if (v["format"] !== FORMAT) return wrong("its format", `${FORMAT}`, String(v["format"]))
  const { tool, version, family, model, input, support, promised } = v
  if (typeof tool !== "string" || typeof version !== "string") return wrong("its tool", "a name and a version", "none")
  if (family !== "fitted" && family !== "composed") return wrong("its family", "fitted or composed", String(family))
  if (!(model instanceof Uint8Array)) return wrong("its model", "bytes", "none")
  const spec = typeof input === "string" ? parsed(input) : undefined
  if (spec === undefined) return wrong("its encoding", "JSON", "none")
  const region = readSupport(support)
  if (region === undefined) return wrong("its support", "states, pairs and bits", "something else")
  const kept = readPromised(promised)
  if (kept === undefined) return wrong("what it promises", "counts, and shares between 0 and 1", "something else")
  return { tool, version, family, model, input: spec as Spec, support: region, promised: kept }
}

function readSupport(v: Value | undefined): SupportData | undefined {
  if (v === undefined || !isRecord(v)) return undefined
  const { states, pairs, seen, inputs } = v
  const whole = (x: Value): boolean => typeof x === "number" && Number.isInteger(x) && x >= 0
  if (!Array.isArray(states) || !states.every((s) => whole(s as Value))) return undefined
  if (!Array.isArray(pairs) || !pairs.every((p) => Array.isArray(p) && p.length === 2)) return undefined
  if (!(seen instanceof Uint8Array) || inputs === undefined || !whole(inputs)) return undefined
  return v as unknown as SupportData
}

function readPromised(v: Value | undefined): Promised | undefined {
  if (v === undefined || !isRecord(v)) return undefined
  const share = (x: Value | undefined): boolean => typeof x === "number" && x >= 0 && x <= 1
  const count = (x: Value | undefined): boolean => typeof x === "number" && Number.isInteger(x) && x >= 0
  const { alpha, delta, threshold, cases, accepted, wrong: errors } = v
  const inside = typeof alpha === "number" && alpha > 0 && alpha < 1
  return inside && [delta, threshold].every(share) && [cases, accepted, errors].every(count)
    ? (v as unknown as Promised)
    : undefined
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Said by whoever asked.
    return undefined
  }
}

const wrong = (place: string, want: string, found: string): ModelRefused =>
  refusedModel("spec", "open a shadow", place, want, found, "train it again")
