/**
 * What a model learns from: rows of inputs, as states of digits or as plain features, with the right class of every group
 * of the output. Made from calls by the encodings of a tool, or by hand for anything else.
 */
import { sha256, type Value } from "../../graph/mod.ts"
import type { Digit, Encoding, EncodingRefused, Group, Output } from "../../shadow/mod.ts"
import { type LearnError, learnError } from "../errors.ts"

export interface Examples {
  readonly count: number
  /** Numbers that go into the model. */
  readonly inputs: number
  /** With `digits`, `states` has a state of each digit, row after row. */
  readonly digits?: readonly Digit[]
  readonly states?: Uint16Array
  /** Without states: `inputs` numbers for each row. */
  readonly features?: Float32Array
  /** Logits that come out. */
  readonly outputs: number
  readonly groups: readonly Group[]
  /** The right class of each group, row after row; {@link NOT_ASKED} where a group does not matter. */
  readonly targets: Uint16Array
}

/** A target of no loss: this row says nothing about this group. */
export const NOT_ASKED = 0xffff

export interface LeftOut {
  /** Of the cases that were given. */
  readonly index: number
  readonly why: EncodingRefused
}

/** Examples from what a tool was asked and answered. Cases outside of the encodings are left out, and said so. */
export function examplesOf(
  encoding: Encoding,
  output: Output,
  cases: readonly { readonly args: Value; readonly value: Value }[],
): { readonly examples: Examples; readonly leftOut: readonly LeftOut[] } {
  const { digits } = encoding
  const { groups } = output
  const states = new Uint16Array(cases.length * digits.length)
  const targets = new Uint16Array(cases.length * groups.length)
  const leftOut: LeftOut[] = []
  let count = 0
  for (const [index, { args, value }] of cases.entries()) {
    const why =
      encoding.states(args, states, count * digits.length) ?? output.targets(value, targets, count * groups.length)
    if (why === undefined) count++
    else leftOut.push({ index, why })
  }
  const examples: Examples = {
    count,
    inputs: encoding.width,
    digits,
    states: states.subarray(0, count * digits.length),
    outputs: output.width,
    groups,
    targets: targets.subarray(0, count * groups.length),
  }
  return { examples, leftOut }
}

/** Whether examples are what they say: a state past its digit would read and write another's weights. */
export function checkExamples(e: Examples): LearnError | undefined {
  const wrong = (what: string, want: string, found: string): LearnError =>
    learnError("training", `Cannot learn from ${what}: want ${want}, found ${found}; make the examples anew`)
  if (!Number.isSafeInteger(e.count) || e.count < 1) return wrong("no examples", "at least 1", `${e.count}`)
  const digits = spansOf(e)
  let at = 0
  for (const [i, d] of digits.entries()) {
    const width = d.code === "thermometer" ? d.states - 1 : d.states
    if (d.at !== at || d.width !== width || width < 1) {
      return wrong(`digit ${i}`, `${width} inputs from ${at} on`, `${d.width} from ${d.at} on`)
    }
    at += width
  }
  if (at !== e.inputs) return wrong("the digits", `${e.inputs} inputs`, `${at}`)
  const given = e.states ?? e.features
  if (given === undefined || (e.states !== undefined) === (e.features !== undefined)) {
    return wrong("the inputs", "either states or features", given === undefined ? "neither" : "both")
  }
  const each = e.states ? digits.length : e.inputs
  if (given.length !== e.count * each) return wrong("the inputs", `${e.count * each} of them`, `${given.length}`)
  const bad = e.states
    ? e.states.findIndex((s, i) => s >= digits[i % each]!.states)
    : e.features!.findIndex((x) => !Number.isFinite(x))
  if (bad >= 0) {
    const want = e.states ? `a state below ${digits[bad % each]!.states}` : "a finite number"
    return wrong(`input ${bad % each} of row ${Math.floor(bad / each)}`, want, `${given[bad]}`)
  }
  return checkTargets(e, wrong)
}

function checkTargets(
  { groups, outputs, targets, count }: Examples,
  wrong: (what: string, want: string, found: string) => LearnError,
): LearnError | undefined {
  let at = 0
  for (const [i, g] of groups.entries()) {
    if (g.at !== at || g.size < 1 || (g.kind === "binary") !== (g.size === 1)) {
      return wrong(`group ${i}`, `logits from ${at} on, one if it is binary`, `${g.size} from ${g.at} on, ${g.kind}`)
    }
    at += g.size
  }
  if (at !== outputs || groups.length === 0) return wrong("the groups", `${outputs} logits`, `${at}`)
  if (targets.length !== count * groups.length) {
    return wrong("the targets", `${count * groups.length} of them`, `${targets.length}`)
  }
  const classes = (i: number) => Math.max(2, groups[i % groups.length]!.size)
  const bad = targets.findIndex((t, i) => t !== NOT_ASKED && t >= classes(i))
  if (bad < 0) return undefined
  const place = `group ${bad % groups.length} of row ${Math.floor(bad / groups.length)}`
  return wrong(place, `a class below ${classes(bad)}`, `${targets[bad]}`)
}

/** Inputs without digits are one span, each an input of its own. */
export const spansOf = ({ inputs, digits }: Pick<Examples, "inputs" | "digits">): readonly Digit[] =>
  digits ?? [{ at: 0, width: inputs, states: inputs, code: "one-hot" }]

/** Says whether two sets of examples are the same: a checkpoint goes on with those it began with, and no others. */
export function fingerprint({ states, features, targets }: Examples): Uint8Array {
  const bytes = (a: Uint16Array | Float32Array | undefined): Uint8Array =>
    a === undefined ? new Uint8Array() : sha256(new Uint8Array(a.buffer, a.byteOffset, a.byteLength))
  return sha256(Uint8Array.from([...bytes(states), ...bytes(features), ...bytes(targets)]))
}
