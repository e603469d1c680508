/** Figures of encodings that can be worked out by hand, and that the report is the same every time. */
import { describe, expect, test } from "bun:test"
import { T, type Value } from "../graph/mod.ts"
import { must } from "../tests/encodings/trip.ts"
import { encodingOf, geometryOf, geometryPicture, geometryTable } from "./mod.ts"

const byte = must(encodingOf(T.number, { integer: true, min: 0, max: 255 }))

describe("thermometers of a byte", () => {
  const g = geometryOf(byte, { name: "byte" })

  test("one bead flips a step, and sixteen where a nibble carries", () => {
    expect(g.flips.least).toBe(1)
    expect(g.flips.most).toBe(16)
    expect(g.flipDistance).toEqual({ least: 1, mean: expect.closeTo(1 + 3 / 16, 1), most: 4 })
  })

  test("the steepest is a carry, and a nibble's end the flattest", () => {
    expect(g.lipschitz).toBe(4)
    expect(g.lipschitzInverse).toBeGreaterThan(16)
    expect(g.isometry.near).toBeLessThan(1)
  })
})

test("features in the order of values have isometry 1, all alike none", () => {
  const line = {
    width: 1,
    write: (v: Value, into: Float32Array, at: number) => {
      into[at] = Number(v)
    },
  }
  const g = geometryOf(byte, { features: line })
  expect(g.isometry.near).toBeCloseTo(1, 12)
  expect(g.isometry.far).toBeCloseTo(1, 12)
  expect([g.lipschitz, g.lipschitzInverse]).toEqual([1, 1])
  const each = {
    width: 256,
    write: (v: Value, into: Float32Array, at: number) =>
      void into.fill(0, at, at + 256).fill(1, at + Number(v), at + Number(v) + 1),
  }
  const hot = geometryOf(byte, { features: each })
  expect(hot.isometry.far).toBeNaN()
  expect(hot.flips).toEqual({ least: 2, mean: 2, most: 2 })
})

test("every kind of encoding has a report, the same each time", () => {
  const types = [
    must(encodingOf(T.number)),
    must(encodingOf(T.number, { decimals: 2, min: -5, max: 700 })),
    must(encodingOf(T.int64)),
    must(encodingOf(T.boolean)),
    must(encodingOf(T.enum("kg", "g", "lb"))),
    must(encodingOf(T.string, { maxLength: 4, alphabet: "abc" })),
    must(encodingOf(T.string, { maxLength: 3 })),
    must(encodingOf(T.bytes, { maxLength: 3 })),
    must(encodingOf(T.string, { format: "date", years: [2000, 2030] })),
    must(encodingOf(T.string, { format: "date-time" })),
    must(encodingOf(T.string, { format: "time" })),
    must(encodingOf(T.number, { format: "epoch-ms", years: [1970, 2070] })),
    must(encodingOf(T.record({ a: T.boolean, b: T.list(T.null) }), { fields: { b: { maxLength: 2 } } })),
    must(encodingOf(T.map(T.boolean), { keys: ["x", "y"] })),
    must(encodingOf(T.union(T.null, T.number), { members: [{}, { integer: true, min: 0, max: 99 }] })),
  ]
  const all = types.map((e) => geometryOf(e, { name: e.spec.of.as, samples: 150 }))
  for (const [i, g] of all.entries()) {
    expect(g.pairs).toBeGreaterThan(20)
    expect(g.flips.least).toBeGreaterThan(0)
    expect(g.lipschitz).toBeGreaterThan(0)
    expect(g.lipschitzInverse).toBeLessThan(Number.POSITIVE_INFINITY)
    expect(geometryOf(types[i]!, { name: g.name, samples: 150 })).toEqual(g)
  }
  expect(geometryTable(all).split("\n").length).toBe(types.length + 2)
})

test("the picture is one of all encodings whose values have an order, names escaped", () => {
  const words = must(encodingOf(T.enum("kg", "g", "lb")))
  const svg = geometryPicture([geometryOf(byte, { name: `<a> & "b"` }), geometryOf(words, { name: "words" })])
  expect(svg).toContain("&lt;a&gt; &amp; &quot;b&quot;")
  expect(svg).not.toContain("words")
  expect(svg.match(/<polyline/g)?.length).toBe(1)
  expect(svg).not.toMatch(/NaN|Infinity|undefined/)
  expect(geometryPicture([])).toContain("<svg")
})
