/**
 * Every value of an encoding comes back as it was, to the bit; every other value is refused with its place. The large
 * counts are those of `npm run encodings`; here are smaller ones of the same.
 */
import { describe, expect, test } from "bun:test"
import { sameValue, show, T, type Type, type Value } from "../graph/mod.ts"
import { Random, randomNumber, randomType, valueOfType } from "../graph/random.sample.ts"
import { everyInteger16, randomFloats } from "../tests/encodings/campaign.ts"
import { boundedNotes } from "../tests/encodings/notes.ts"
import { must, roundTrip } from "../tests/encodings/trip.ts"
import { type Encoding, EncodingRefused, encodingFrom, encodingOf, type Notes, outputFrom, outputOf } from "./mod.ts"

const reasonOf = (x: unknown): string => (x instanceof EncodingRefused ? x.reason : `no refusal: ${show(x)}`)
const messageOf = (x: unknown): string => (x instanceof EncodingRefused ? x.message : `no refusal: ${show(x)}`)

describe("numbers", () => {
  test("every 16-bit value, signed and unsigned, as input and as output", () => {
    expect(everyInteger16()).toEqual([])
  })

  test("float64: random bits, −0, subnormals, infinities, NaN", () => {
    expect(randomFloats(20_000, 1)).toEqual([])
  })

  test("thermometers of 15 beads a nibble, low digit first, then sign and exponent", () => {
    const e = must(encodingOf(T.number))
    expect(e.digits.length).toBe(17)
    expect(e.digits.slice(0, 14).map((d) => d.width)).toEqual([15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 15, 1])
    const states = new Uint16Array(17)
    expect(e.states(-1.0000000000000002, states, 0)).toBeUndefined()
    expect([...states]).toEqual([1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 15, 15, 3])
  })

  test("decimals are counted in units of their last place", () => {
    const e = must(encodingOf(T.number, { decimals: 2, min: 0, max: 655.35 }))
    expect(e.digits.map((d) => d.states)).toEqual([16, 16, 16, 16])
    const wrong = Array.from({ length: 9_362 }, (_, i) => (i * 7) / 100).filter((x) => roundTrip(e, x) !== undefined)
    expect(wrong).toEqual([])
    const into = new Float32Array(e.width)
    expect(reasonOf(e.write(0.125, into, 0))).toBe("outside")
    expect(reasonOf(e.write(0.1 + 0.2, into, 0))).toBe("outside")
    expect(reasonOf(e.write(655.36, into, 0))).toBe("outside")
    expect(reasonOf(e.write(-0, into, 0))).toBe("outside")
  })

  test("the highest digit has only the states that it needs", () => {
    expect(must(encodingOf(T.number, { integer: true, min: 0, max: 999 })).digits.map((d) => d.states)).toEqual([
      16, 16, 4,
    ])
    expect(must(encodingOf(T.number, { integer: true, min: 5, max: 5 })).width).toBe(5)
    expect(must(encodingOf(T.number, { integer: true, min: 0, max: 0 })).width).toBe(0)
  })
})

test("random types: every value that the encoding takes comes back, as input and as output", () => {
  let trips = 0
  const uneven: string[] = []
  const unbounded: string[] = []
  for (let seed = 1; seed <= 3_000; seed++) {
    const r = new Random(seed)
    const type = randomType(r)
    const notes = boundedNotes(r, type)
    const encoding = encodingOf(type, notes)
    const output = outputOf(type, notes)
    if (encoding instanceof EncodingRefused || output instanceof EncodingRefused) {
      const reasons = [encoding, output].filter((x) => x instanceof EncodingRefused).map((x) => x.reason)
      unbounded.push(...reasons.filter((why) => why !== "type" && why !== "too-wide"))
      continue
    }
    for (let i = 0; i < 6; i++) {
      const value = valueOfType(r, type)
      if (value === undefined) continue
      const refusedIn = roundTrip(encoding, value)
      const refusedOut = roundTrip(output, value)
      if (refusedIn?.reason !== refusedOut?.reason) uneven.push(`seed ${seed}: ${show(value)}`)
      if (refusedIn === undefined) trips++
    }
  }
  expect({ uneven, unbounded }).toEqual({ uneven: [], unbounded: [] })
  expect(trips).toBeGreaterThan(2_000)
})

describe("what lies outside is refused with its place", () => {
  const refusal = (type: Type, notes: Notes, value: Value): string => {
    const e = must(encodingOf(type, notes))
    const o = must(outputOf(type, notes))
    const message = messageOf(e.write(value, new Float32Array(e.width), 0))
    expect(messageOf(o.targets(value, new Uint16Array(o.groups.length), 0))).toBe(message)
    return message
  }

  test.each<[Type, Notes, Value, string]>([
    [
      T.string,
      { maxLength: 3, alphabet: "abc" },
      "abca",
      `Cannot encode the value: want a text of the letters "abc", 0 to 3 of them, found "abca"`,
    ],
    [T.enum("kg", "g"), {}, "lb", `Cannot encode the value: want one of ["g", "kg"], found "lb"`],
    [T.bytes, { maxLength: 2 }, new Uint8Array(3), "Cannot encode the value: want 0 to 2 bytes, found 3 bytes"],
    [
      T.record({ lines: T.list(T.record({ n: T.number })) }),
      { fields: { lines: { maxLength: 2, of: { fields: { n: { integer: true, min: 0, max: 9 } } } } } },
      { lines: [{ n: 1 }, { n: 10 }] },
      "Cannot encode lines[1].n: want a whole number from 0 to 9, found 10",
    ],
    [T.record({ a: T.boolean }), {}, { a: true, b: 1 }, "Cannot encode b: want no such field, found 1"],
    [T.record({ a: T.boolean }), {}, {}, "Cannot encode a: want the field, found undefined"],
    [
      T.list(T.null),
      { maxLength: 2 },
      [null, null, null],
      "Cannot encode the value: want a list of 0 to 2, found [null, null, null]",
    ],
    [
      T.string,
      { format: "date" },
      "2023-02-29",
      `Cannot encode the value: want a date YYYY-MM-DD in the years 0 to 9999, found "2023-02-29"`,
    ],
    [T.union(T.boolean, T.null), {}, 3, "Cannot encode the value: want true or false, found 3"],
  ])("%#", (type, notes, value, message) => {
    expect(refusal(type, notes, value)).toBe(message)
  })

  test("a type without an encoding, or without a bound, says what to do", () => {
    expect(messageOf(encodingOf(T.string))).toBe(
      "Cannot encode the value: want a bound on its characters (maxLength), found none",
    )
    expect(
      messageOf(encodingOf(T.record({ rows: T.list(T.map(T.number)) }), { fields: { rows: { maxLength: 2 } } })),
    ).toBe("Cannot encode rows[]: want the keys that it can have (keys), found any key")
    expect(reasonOf(encodingOf(T.unknown))).toBe("type")
    expect(reasonOf(encodingOf(T.tensor("f32", [2])))).toBe("type")
    expect(reasonOf(encodingOf(T.list(T.list(T.number)), { maxLength: 60_000, of: { maxLength: 60_000 } }))).toBe(
      "too-wide",
    )
    expect(reasonOf(encodingOf(T.number, { integer: true, min: 3, max: 2 }))).toBe("notes")
    expect(reasonOf(encodingOf(T.number, { integer: true, min: Number.NaN }))).toBe("notes")
  })
})

describe("the description", () => {
  test("is plain JSON, and the same encoding is built from it", () => {
    for (let seed = 1; seed <= 400; seed++) {
      const r = new Random(seed)
      const type = randomType(r)
      const notes = boundedNotes(r, type)
      const a = encodingOf(type, notes)
      if (a instanceof EncodingRefused) continue
      const b = must(encodingFrom(JSON.parse(JSON.stringify(a.spec))))
      expect(b.spec).toEqual(a.spec)
      expect(b.digits).toEqual(a.digits)
      const value = valueOfType(r, type)
      if (value === undefined) continue
      const [x, y] = [new Float32Array(a.width), new Float32Array(b.width)]
      expect(messageOf(b.write(value, y, 0))).toBe(messageOf(a.write(value, x, 0)))
      if (roundTrip(a, value) === undefined) expect(y).toEqual(x)
    }
  })

  test.each([
    [null, "the value"],
    [{ form: 2, of: { as: "null" } }, "form 1"],
    [{ form: 1, of: { as: "tensor" } }, "of: want a kind of part"],
    [{ form: 1, of: { as: "integer", min: "5", max: "4", decimals: 0, of: "number" } }, `"min" not above`],
    [{ form: 1, of: { as: "integer", min: "0", max: "9007199254740992", decimals: 0, of: "number" } }, `"max"`],
    [{ form: 1, of: { as: "text", min: 0, max: 4, alphabet: "aa" } }, "different letters"],
    [{ form: 1, of: { as: "list", min: 0, max: 1e9, of: { as: "null" } } }, `"max" from 0 to 65000`],
    [
      { form: 1, of: { as: "record", fields: [{ name: "__proto__", of: { as: "null" }, optional: false }] } },
      "fields[0]",
    ],
    [{ form: 1, of: { as: "word", words: [] } }, "a word"],
    [{ form: 1, of: { as: "map", keys: ["__proto__"], of: { as: "null" } } }, "__proto__"],
    [{ form: 1, of: { as: "date", years: [5, 4], by: "fields" } }, `"years"`],
  ])("that is broken is refused with its place: %#", (spec, says) => {
    expect(reasonOf(encodingFrom(spec))).toBe("spec")
    expect(messageOf(outputFrom(spec))).toContain(says)
  })

  test("with a piece of it put wrong is refused, or describes another encoding that is exact too", () => {
    const wrongs: readonly unknown[] = [
      null,
      -1,
      0.5,
      1,
      3,
      70_000,
      "",
      "é",
      "ab",
      [],
      [1],
      {},
      true,
      "float64",
      "word",
      [3, 2],
    ]
    const spoil = (r: Random, from: unknown): unknown => {
      if (typeof from !== "object" || from === null || r.chance(0.15)) return r.pick(wrongs)
      const keys = Object.keys(from)
      if (keys.length === 0) return r.pick(wrongs)
      const key = r.pick(keys)
      const inner = spoil(r, (from as { readonly [key: string]: unknown })[key])
      return Array.isArray(from) ? from.with(Number(key), inner) : { ...from, [key]: inner }
    }
    let others = 0
    for (let seed = 1; seed <= 3_000; seed++) {
      const r = new Random(seed)
      const type = randomType(r)
      const whole = encodingOf(type, boundedNotes(r, type))
      if (whole instanceof EncodingRefused) continue
      const spoilt = encodingFrom(spoil(r, whole.spec))
      if (spoilt instanceof EncodingRefused) continue
      const value = valueOfType(r, type)
      if (value !== undefined && roundTrip(spoilt, value) === undefined) others++
    }
    expect(others).toBeGreaterThan(30)
  })

  test("so deep, or so wide, that it would eat the host is refused", () => {
    let deep: unknown = { as: "boolean" }
    for (let i = 0; i < 100; i++) deep = { as: "list", min: 0, max: 1, of: deep }
    expect(reasonOf(encodingFrom({ form: 1, of: deep }))).toBe("spec")
    let wide: unknown = { as: "boolean" }
    for (let i = 0; i < 40; i++) wide = { as: "list", min: 0, max: 65_000, of: wide }
    expect(reasonOf(encodingFrom({ form: 1, of: wide }))).toBe("too-wide")
  })
})

describe("an output", () => {
  const o = must(
    outputOf(T.record({ n: T.number, unit: T.enum("kg", "g", "lb"), ok: T.boolean }), {
      fields: { n: { integer: true, min: 0, max: 300 } },
    }),
  )

  test("has a softmax for each digit, one logit where there are two states", () => {
    expect(o.groups.map((g) => [g.kind, g.size])).toEqual([
      ["softmax", 16],
      ["softmax", 16],
      ["binary", 1],
      ["binary", 1],
      ["softmax", 3],
    ])
  })

  test("reads a value with the probability of each group and their product", () => {
    const logits = new Float32Array(o.width).fill(-4)
    logits[2] = 3
    logits[16] = 3
    logits[32] = -1
    logits[33] = 1
    logits[35] = 0
    const read = must(o.read(logits, 0))
    expect(read.value).toEqual({ n: 2, ok: true, unit: "kg" })
    expect(read.confidence[2]).toBeCloseTo(1 / (1 + Math.exp(-1)), 14)
    expect(read.confidence[0]).toBeCloseTo(1 / (1 + 15 * Math.exp(-7)), 14)
    expect(read.joint).toBeCloseTo(
      read.confidence.reduce((a, b) => a * b),
      14,
    )
  })

  test("refuses NaN, and classes that name no value", () => {
    const logits = new Float32Array(o.width)
    logits[20] = Number.NaN
    expect(reasonOf(o.read(logits, 0))).toBe("outside")
    expect(reasonOf(o.fromTargets(Uint16Array.of(15, 15, 1, 0, 0), 0))).toBe("outside")
  })

  test("groups that the value has no use for count for nothing", () => {
    const text = must(outputOf(T.string, { alphabet: "abcd", maxLength: 3 }))
    const logits = new Float32Array(text.width).fill(0)
    logits[1] = 50
    logits[4] = 50
    const read = must(text.read(logits, 0))
    expect(read.value).toBe("a")
    expect([...read.confidence]).toEqual([1, 1, 1, 1])
    expect(read.joint).toBe(1)
  })
})

test("features that no value has are not read", () => {
  const e: Encoding = must(encodingOf(T.number, { integer: true, min: 0, max: 15 }))
  const features = new Float32Array(e.width)
  features[3] = 1
  expect(reasonOf(e.read(features, 0))).toBe("outside")
  features.fill(0.5)
  expect(reasonOf(e.read(features, 0))).toBe("outside")
})

test("two numbers have the same digits only where they are the same value", () => {
  const e = must(encodingOf(T.number))
  const r = new Random(7)
  const wrong: (readonly number[])[] = []
  const [a, b] = [new Uint16Array(17), new Uint16Array(17)]
  for (let i = 0; i < 5_000; i++) {
    const [x, y] = [randomNumber(r), randomNumber(r)]
    e.states(x, a, 0)
    e.states(y, b, 0)
    if ((a.join() === b.join()) !== sameValue(x, y)) wrong.push([x, y])
  }
  expect(wrong).toEqual([])
})
