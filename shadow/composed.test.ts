/** Our own cells, and the shadows that are composed of them: exact where they answer, silent everywhere else. */
import { describe, expect, test } from "bun:test"
import type { Rec, Value } from "../graph/mod.ts"
import { Random } from "../graph/random.sample.ts"
import { differences, floatOf, int64Of, OPERATIONS, randomFloat, randomInt64 } from "../tests/cells/campaign.ts"
import { ADD_CELL, MULTIPLY_CELL } from "./cells/cell.ts"
import { ADD, MULTIPLY } from "./cells/weights.ts"
import {
  type Answered,
  type Cells,
  cells,
  cellsFrom,
  composedFor,
  composedShadow,
  ModelRefused,
  type Operation,
  readModel,
  writeModel,
} from "./mod.ts"

function own(): Cells {
  const made = cells()
  if (made instanceof ModelRefused) throw made
  return made
}
const fileOf = (base64: string) => Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))

describe("our cells", () => {
  test("are right in all cases that there are", () => {
    expect(ADD_CELL.cases.length + MULTIPLY_CELL.cases.length).toBe(768)
    expect(own().checked).toBe(768)
    expect(own().sureLeast).toBeGreaterThan(0.9)
  })

  test("make int64 and float64 exact", () => {
    expect(differences(own(), 10_000, 3)).toEqual({ int64: [], float64: [] })
  })

  test("are refused with one weight changed so that one answer is wrong", () => {
    const model = readModel(fileOf(ADD))
    if (model instanceof ModelRefused) throw model
    const biases = model.mlp.biases.map((b, l) =>
      l === model.mlp.biases.length - 1 ? b.map((x, i) => (i === 3 ? x + 60 : x)) : b,
    )
    const changed = writeModel({ ...model.mlp, biases }, model.about)
    if (changed instanceof ModelRefused) throw changed
    const refused = cellsFrom({ add: changed.bytes, multiply: fileOf(MULTIPLY) })
    expect(refused).toBeInstanceOf(ModelRefused)
    expect((refused as ModelRefused).reason).toBe("wrong")
    expect((refused as ModelRefused).message).toContain(`cell "add"`)
  })

  test("are not to be swapped, cut or emptied", () => {
    for (const add of [fileOf(MULTIPLY), fileOf(ADD).subarray(0, 500), new Uint8Array()]) {
      expect(cellsFrom({ add, multiply: fileOf(MULTIPLY) })).toBeInstanceOf(ModelRefused)
    }
  })
})

describe("a composed shadow", () => {
  const shadow = composedShadow(
    { of: "number", left: "a", right: "b", by: { field: "op", words: { plus: "add", over: "divide" } } },
    own(),
  )

  test("answers exactly, with bound 0", () => {
    expect(shadow.predict({ op: "plus", a: 0.1, b: 0.2 })).toMatchObject({
      ok: true,
      value: 0.1 + 0.2,
      alpha: 0,
      confidence: 1,
    })
    expect(shadow.predict({ op: "over", a: 1, b: 3 })).toMatchObject({ ok: true, value: 1 / 3 })
    const sum = shadow.predict({ op: "plus", a: -0, b: -0 })
    expect(sum.ok && Object.is(sum.value, -0)).toBe(true)
  })

  test.each<[string, Value]>([
    ["another word", { op: "minus", a: 1, b: 2 }],
    ["a name of every object", { op: "constructor", a: 1, b: 2 }],
    ["no word", { a: 1, b: 2 }],
    ["one field more", { op: "plus", a: 1, b: 2, c: 3 }],
    ["text", { op: "plus", a: "1", b: 2 }],
    ["int64", { op: "plus", a: 1n, b: 2n }],
    ["a division by 0", { op: "over", a: 1, b: 0 }],
    ["overflow", { op: "plus", a: 1.7e308, b: 1.7e308 }],
    ["infinity", { op: "plus", a: Number.POSITIVE_INFINITY, b: 2 }],
    ["no record", [1, 2]],
  ])("says nothing about %s", (_, args) => {
    expect(shadow.predict(args)).toEqual({ ok: false, why: "support" })
  })

  test("on int64 says nothing about overflow", () => {
    const times = composedShadow({ of: "int64", left: "x", right: "y", by: "multiply", result: "product" }, own())
    expect(times.predict({ x: 1n << 40n, y: 3n })).toMatchObject({ ok: true, value: { product: 3n << 40n } })
    expect(times.predict({ x: 1n << 40n, y: 1n << 40n })).toEqual({ ok: false, why: "support" })
  })
})

describe("what a tool is, found out from its calls", () => {
  const words: Record<string, Operation> = { "+": "add", "-": "subtract", "*": "multiply", "/": "divide" }
  const calls = (n: number, of: (op: Operation, r: Random) => Answered | undefined): Answered[] => {
    const r = new Random(9)
    return Array.from({ length: n }, () => of(r.pick(OPERATIONS), r)).filter((c) => c !== undefined)
  }

  test("a calculator with a field of words", () => {
    const log = calls(200, (op, r) => {
      const [a, b] = [randomFloat(r), randomFloat(r)]
      const word = Object.keys(words).find((w) => words[w] === op)!
      return { args: { a, b, op: word }, value: floatOf(op, a, b) }
    })
    expect(composedFor(log, own())).toEqual({ of: "number", left: "a", right: "b", by: { field: "op", words } })
  })

  test("one operation on int64, its operands the other way round, its result in a record", () => {
    const log = calls(60, (_, r) => {
      const [a, b] = [randomInt64(r), randomInt64(r)]
      const q = int64Of("divide", b, a)
      return q === undefined ? undefined : { args: { a, b }, value: { q } }
    })
    expect(composedFor(log, own())).toEqual({ of: "int64", left: "b", right: "a", by: "divide", result: "q" })
  })

  test.each<[string, (args: Rec) => Value]>([
    ["is nearly addition", ({ a, b }) => (a === 7 ? 0 : Number(a) + Number(b))],
    ["rounds", ({ a, b }) => Math.round((Number(a) / Number(b)) * 100) / 100],
    ["is another function", ({ a, b }) => Math.max(Number(a), Number(b))],
    ["answers with text", ({ a, b }) => `${Number(a) + Number(b)}`],
  ])("not where the tool %s", (_, tool) => {
    const log = Array.from({ length: 40 }, (_, i) => ({ a: i, b: 3 + ((i * 7) % 11) })).map((args) => ({
      args,
      value: tool(args),
    }))
    expect(composedFor(log, own())).toBeUndefined()
  })

  test("not from calls that are too few, or would fit two operations", () => {
    const log = Array.from({ length: 40 }, (_, i) => ({ args: { a: i, b: 0 }, value: i }))
    expect(composedFor(log, own())).toBeUndefined()
    expect(composedFor(log.slice(0, 3), own())).toBeUndefined()
    expect(composedFor([], own())).toBeUndefined()
  })
})
