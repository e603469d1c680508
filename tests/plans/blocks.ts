/**
 * Right plans of one block each, drawn by hand: between them they use every instruction.
 */
import { T } from "../../graph/mod.ts"
import type { Plan } from "../../plan/mod.ts"
import { Sketch } from "./sketch.ts"

const num = T.number
const str = T.string
const bool = T.boolean

/** `(a + b) × 2`, one block. */
function arithmetic(): Plan {
  const s = new Sketch("arithmetic")
  const input = T.record({ a: num, b: num })
  s.scope({
    params: [input],
    slots: 6,
    result: 5,
    type: num,
    steps: [
      s.block("sum", [
        ["field", 1, 0, s.text("a")],
        ["field", 2, 0, s.text("b")],
        ["add", 3, 1, 2],
        ["const", 4, s.const(2, num)],
        ["mul", 5, 3, 4],
      ]),
    ],
  })
  return s.plan(input, num)
}

/** A text that its author calls `unknown`, and what is known of it then. */
function widening(): Plan {
  const s = new Sketch("widening")
  const input = T.record({ a: str })
  s.scope({
    params: [input],
    slots: 4,
    result: 3,
    type: num,
    steps: [
      s.block("wide", [
        ["field", 1, 0, s.text("a")],
        ["widen", 2, 1, s.type(T.union(str, num))],
        ["call", 3, s.text("number"), [2]],
      ]),
    ],
  })
  return s.plan(input, num)
}

/** `a.x > 0 || b.x > 0`, where either side may fail and the other one decide. */
function logic(): Plan {
  const s = new Sketch("logic")
  const input = T.record({ a: T.unknown, b: T.unknown })
  const side = (failed: number, found: number, from: number, name: string) =>
    [
      ["attempt", failed],
      ["field", from, 0, s.text(name)],
      ["const", 2, s.const("x", str)],
      ["index", from, from, 2],
      ["accept", from, from, s.type(num)],
      ["const", 2, s.const(0, num)],
      ["gt", found, from, 2],
      ["end"],
      ["is_none", 3, failed],
    ] as const
  s.scope({
    params: [input],
    slots: 10,
    result: 1,
    type: bool,
    steps: [
      s.block("either", [
        ...side(4, 5, 6, "a"),
        ["if", 3],
        ["copy", 7, 5],
        ["else"],
        ["const", 7, s.const(false, bool)],
        ["end"],
        ["if", 7],
        ["const", 1, s.const(true, bool)],
        ["else"],
        ...side(8, 9, 6, "b"),
        ["if", 3],
        ["if", 9],
        ["const", 1, s.const(true, bool)],
        ["else"],
        ["is_none", 3, 4],
        ["not", 3, 3],
        ["if", 3],
        ["raise", 4],
        ["else"],
        ["const", 1, s.const(false, bool)],
        ["end"],
        ["end"],
        ["else"],
        ["copy", 2, 8],
        ["raise", 2],
        ["end"],
        ["end"],
      ]),
    ],
  })
  return s.plan(input, bool)
}

/** Every macro of `each`, one of them inside another. */
function gathering(): Plan {
  const s = new Sketch("gathering")
  const input = T.record({ rows: T.list(T.list(num)), names: T.map(num) })
  const output = T.record({
    all: bool,
    exists: bool,
    filter: T.list(str),
    map: T.list(num),
    one: bool,
    sorted: T.list(T.list(num)),
  })
  s.scope({
    params: [input],
    slots: 20,
    result: 19,
    type: output,
    steps: [
      s.block("macros", [
        ["field", 1, 0, s.text("rows")],
        ["field", 2, 0, s.text("names")],
        ["const", 3, s.const(1, num)],
        ["each", 4, 1, 0, 5, 6, 7],
        ["each", 8, 5, 6, 9, 10, 11],
        ["mul", 11, 9, 3],
        ["end"],
        ["add", 7, 8, 6],
        ["end"],
        ["each", 12, 2, 1, 9, 10, 11],
        ["index", 13, 2, 9],
        ["gt", 11, 13, 3],
        ["end"],
        ["each", 14, 4, 2, 9, 10, 11],
        ["ge", 11, 9, 3],
        ["end"],
        ["each", 15, 4, 3, 9, 10, 11],
        ["le", 11, 9, 3],
        ["end"],
        ["each", 16, 4, 4, 9, 10, 11],
        ["eq", 11, 9, 3],
        ["end"],
        ["each", 17, 1, 5, 9, 10, 11],
        ["call", 11, s.text("size"), [9]],
        ["end"],
        ["record", 19, s.texts("all", "exists", "filter", "map", "one", "sorted"), [14, 15, 12, 4, 16, 17]],
      ]),
    ],
  })
  return s.plan(input, output)
}

/** Ways to look into values and to put them together. */
function values(): Plan {
  const s = new Sketch("values")
  const input = T.record({ list: T.list(num), map: T.map(str), any: T.unknown, maybe: T.optional(str), i: num })
  const output = T.record({
    b: bool,
    entries: T.map(T.union(num, str)),
    first: T.union(num, T.null),
    maybe: T.union(str, T.null),
    pair: T.list(T.union(num, str)),
    text: str,
  })
  s.scope({
    params: [input],
    slots: 20,
    result: 19,
    type: output,
    steps: [
      s.block("look", [
        ["field", 1, 0, s.text("list")],
        ["field", 2, 0, s.text("map")],
        ["field", 3, 0, s.text("any")],
        ["field", 4, 0, s.text("i")],
        ["const", 9, s.const("maybe", str)],
        ["index_or_none", 5, 0, 9],
        ["has", 6, 0, s.text("maybe")],
        ["index", 7, 1, 4],
        ["index_or_none", 8, 1, 4],
        ["const", 9, s.const("key", str)],
        ["index", 10, 2, 9],
        ["index", 11, 3, 9],
        ["list", 12, [7, 10]],
        ["map_of", 13, [9, 7, 10, 9]],
        ["text", 14, [9, 4, 11]],
        ["is_none", 15, 5],
        ["if", 15],
        ["const", 16, s.const("none", str)],
        ["else"],
        ["copy", 16, 5],
        ["end"],
        ["text", 17, [14, 16]],
        ["widen", 17, 17, s.type(str)],
        ["record", 19, s.texts("b", "entries", "first", "maybe", "pair", "text"), [6, 13, 8, 5, 12, 17]],
      ]),
    ],
  })
  return s.plan(input, output)
}

/** Every comparison and operator. */
function comparing(): Plan {
  const s = new Sketch("comparing")
  const input = T.record({ a: num, b: num, c: str })
  s.scope({
    params: [input],
    slots: 14,
    result: 13,
    type: T.list(T.union(bool, num)),
    steps: [
      s.block("ops", [
        ["field", 1, 0, s.text("a")],
        ["field", 2, 0, s.text("b")],
        ["field", 3, 0, s.text("c")],
        ["sub", 4, 1, 2],
        ["div", 5, 4, 2],
        ["neg", 6, 5],
        ["lt", 7, 1, 2],
        ["le", 8, 1, 2],
        ["gt", 9, 1, 2],
        ["ge", 10, 1, 2],
        ["eq", 11, 3, 3],
        ["ne", 12, 7, 8],
        ["not", 12, 12],
        ["list", 13, [6, 7, 8, 9, 10, 11, 12]],
      ]),
    ],
  })
  return s.plan(input, T.list(T.union(bool, num)))
}

export const BLOCKS: { readonly [name: string]: () => Plan } = {
  arithmetic,
  widening,
  logic,
  gathering,
  values,
  comparing,
}
