/**
 * Plans of one block that break a rule about regions or types inside it.
 */
import { T, type Type } from "../../graph/mod.ts"
import type { Instr, Plan } from "../../plan/mod.ts"
import type { Broken } from "./broken.ts"
import { Sketch } from "./sketch.ts"

const num = T.number
const bool = T.boolean
const str = T.string

/** One block on an input; slot 0 is the input. */
export function block(input: Type, output: Type, slots: number, draw: (s: Sketch) => readonly Instr[]): Plan {
  const s = new Sketch("broken")
  s.scope({ params: [input], slots, result: slots - 1, type: output, steps: [s.block("it", draw(s))] })
  return s.plan(input, output)
}

const nested = (n: number, open: Instr[], close: Instr[]): Instr[] => [
  ...Array<Instr[]>(n).fill(open).flat(),
  ...Array<Instr[]>(n).fill(close).flat(),
]

export const BROKEN_BLOCKS: readonly Broken[] = [
  {
    rule: "P030",
    what: "an `if` without its `else`",
    plan: block(bool, bool, 2, () => [["if", 0], ["copy", 1, 0], ["end"]]),
    seen: true,
  },
  {
    rule: "P030",
    what: "a region that is never closed",
    plan: block(bool, bool, 2, () => [
      ["copy", 1, 0],
      ["if", 0],
    ]),
  },
  {
    rule: "P030",
    what: "an `end` of nothing",
    plan: block(bool, bool, 2, () => [["copy", 1, 0], ["end"]]),
    seen: true,
  },
  {
    rule: "P030",
    what: "regions nested too deep",
    plan: block(bool, bool, 2, () => [["copy", 1, 0], ...nested(1025, [["if", 0]], [["else"], ["end"]])]),
  },
  {
    rule: "P031",
    what: "a slot assigned on one side",
    plan: block(bool, bool, 3, () => [["if", 0], ["copy", 1, 0], ["else"], ["end"], ["copy", 2, 1]]),
    seen: true,
  },
  {
    rule: "P031",
    what: "an item after its `each`",
    plan: block(T.list(num), num, 6, () => [["each", 1, 0, 0, 2, 3, 4], ["copy", 4, 2], ["end"], ["copy", 5, 2]]),
    seen: true,
  },
  {
    rule: "P032",
    what: "a slot of an attempt whose end is not known",
    plan: block(T.list(num), num, 5, (s) => [
      ["attempt", 1],
      ["const", 2, s.const(7, num)],
      ["index", 3, 0, 2],
      ["end"],
      ["copy", 4, 3],
    ]),
    seen: true,
  },
  {
    rule: "P032",
    what: "a slot of an attempt where it has failed",
    plan: block(T.list(num), num, 6, (s) => [
      ["attempt", 1],
      ["const", 2, s.const(7, num)],
      ["index", 3, 0, 2],
      ["end"],
      ["is_none", 4, 1],
      ["if", 4],
      ["const", 5, s.const(0, num)],
      ["else"],
      ["copy", 5, 3],
      ["end"],
    ]),
    seen: true,
  },
  {
    rule: "P033",
    what: "a value that one round of an `each` leaves to the next",
    plan: block(T.list(num), T.list(num), 6, (s) => [
      ["const", 4, s.const(0, num)],
      ["each", 5, 0, 0, 1, 2, 3],
      ["add", 3, 4, 1],
      ["copy", 4, 3],
      ["end"],
    ]),
    seen: true,
  },
  {
    rule: "P033",
    what: "a result that is not made in its round",
    plan: block(T.list(num), T.list(num), 6, (s) => [
      ["const", 4, s.const(0, num)],
      ["each", 5, 0, 0, 1, 2, 4],
      ["copy", 3, 1],
      ["end"],
    ]),
    seen: true,
  },
  {
    rule: "P034",
    what: "a failure that may not be there",
    plan: block(bool, bool, 4, () => [
      ["attempt", 1],
      ["copy", 2, 0],
      ["end"],
      ["if", 0],
      ["raise", 1],
      ["else"],
      ["end"],
      ["copy", 3, 0],
    ]),
    seen: true,
  },
  {
    rule: "P035",
    what: "a failure as a value",
    plan: block(bool, T.list(T.unknown), 3, () => [["attempt", 1], ["copy", 2, 0], ["end"], ["list", 2, [1]]]),
  },
  { rule: "P040", what: "a text added", plan: block(str, num, 2, () => [["add", 1, 0, 0]]), seen: true },
  {
    rule: "P040",
    what: "a decision on a number",
    plan: block(num, num, 2, () => [["if", 0], ["copy", 1, 0], ["else"], ["copy", 1, 0], ["end"]]),
    seen: true,
  },
  {
    rule: "P040",
    what: "a field that may be absent",
    plan: block(T.record({ a: T.optional(num) }), num, 2, (s) => [["field", 1, 0, s.text("a")]]),
    seen: true,
  },
  { rule: "P040", what: "unlike things compared", plan: block(T.union(num, str), bool, 2, () => [["eq", 1, 0, 0]]) },
]
