// JSON against JSON.parse and JSON.stringify wherever those are right, and where they lose something: whole numbers beyond
// 2^53, keys that are prototypes, depth.
import { describe, expect, test } from "bun:test"
import { Failure } from "./failure.ts"
import { jsonOf, jsonText, readJson } from "./json.ts"
import { printLiteral } from "./literal.ts"
import { Random, randomValue } from "./random.sample.ts"
import { Tensor, type Value } from "./value.ts"

const told = (run: () => unknown): unknown => {
  try {
    return run()
  } catch (f) {
    if (f instanceof Failure) return `${f.code}: ${f.message}`
    throw f
  }
}

describe("reading", () => {
  test("agrees with JSON.parse on 5,000 random texts, with and without care", () => {
    const r = new Random(1)
    for (let i = 0; i < 5000; i++) {
      const v = jsonOf(randomValue(r, 3), { nonFinite: "null" })
      const text = JSON.stringify(v, null, r.pick([0, 1, "\t"]))
      const theirs = JSON.parse(text) as Value
      // The second form has a long number in it and goes the slow way.
      const [ours, slow] = [readJson(text), readJson(`[${text}, 1234567890123456]`)]
      const plain = printLiteral(theirs)
      if (!/\d{16}/.test(text) && printLiteral(ours) !== plain) expect(text).toBe("the same")
      if (!/\d{16}/.test(text) && printLiteral((slow as Value[])[0]!) !== plain) expect(text).toBe("the same with care")
    }
  })

  test("agrees with JSON.parse on what is refused, for 20,000 mutated texts", () => {
    const base = `{"a":[1,-2.5e3,true,null,"x\\u00e9\\n\\"",{"b":{}}],"c":1234567890123456}`
    const letters = '{}[],:"\\0123456789.-+eEtrufalsn \n\tu'
    for (let seed = 1; seed <= 20_000; seed++) {
      const r = new Random(seed)
      let text = r.chance(0.5) ? base : base.replace("1234567890123456", "7")
      for (let k = r.below(3); k >= 0; k--) {
        const at = r.below(text.length + 1)
        text = text.slice(0, at) + letters[r.below(letters.length)] + text.slice(at + r.below(2))
      }
      let theirs: unknown
      try {
        theirs = JSON.parse(text)
      } catch {
        theirs = undefined
      }
      const ours = told(() => readJson(text))
      const refused = typeof ours === "string" && ours.startsWith("BadJson: ")
      if (refused !== (theirs === undefined) && !/\d{3}/.test(String(ours)))
        expect(text).toBe(refused ? "taken" : "refused")
    }
  })

  test("keeps every digit of a whole number that an int64 holds", () => {
    const facts: readonly (readonly [string, Value])[] = [
      ["9007199254740991", 9007199254740991],
      ["9007199254740993", 9007199254740993n],
      ["-9223372036854775808", -(2n ** 63n)],
      ["9223372036854775807", 2n ** 63n - 1n],
      ["9223372036854775808", 2 ** 63],
      ["123456789012345678901234567890", 1.2345678901234568e29],
      ["9007199254740993.0", 9007199254740992],
      ["1234567890123456e2", 123456789012345600],
      ["-0", -0],
    ]
    for (const [text, want] of facts) expect([text, readJson(text)]).toEqual([text, want])
    expect(readJson(`{"id":9007199254740993,"x":[1]}`)).toEqual({ id: 9007199254740993n, x: [1] })
  })

  test("refuses a key twice in one object where that is asked for, with its place; else the last one wins", () => {
    for (const [text, at] of [
      ['{"a":1,"a":2}', 8],
      ['{"a":1, "b":{"a":2,"a":2}}', 20],
      ['[{"a":1},{"\\u0061":1,"a":2}]', 22],
      ['{"constructor":1,"constructor":1}', 18],
    ] as const) {
      expect(readJson(text)).toEqual(JSON.parse(text))
      expect(() => readJson(text, { uniqueKeys: true })).toThrow(`Cannot read JSON at character ${at}: the key "`)
    }
    for (const text of ['{"a":{"a":{"a":[]}},"b":[{"a":1},{"a":1}],"constructor":1}', "[1.5,-0,true]"])
      expect(readJson(text, { uniqueKeys: true })).toEqual(JSON.parse(text))
  })

  test("refuses what is no value", () => {
    expect(told(() => readJson(`{"__proto__": 1}`))).toBe(
      `BadJson: Cannot read JSON at character 2: the key "__proto__" is refused`,
    )
    expect(told(() => readJson(`{"\\u005f_proto__": 1}`))).toContain("BadJson")
    expect(told(() => readJson("1e400"))).toContain("too large")
    expect(told(() => readJson("[1,]"))).toBe(`BadJson: Cannot read JSON at character 4: want a value, found "]"`)
    expect(told(() => readJson("[1 2]"))).toBe(`BadJson: Cannot read JSON at character 4: want "," or "]", found "2"`)
    expect(told(() => readJson(""))).toBe(
      "BadJson: Cannot read JSON at character 1: the text ends where a value is wanted",
    )
    expect(told(() => readJson("{'a': 1}"))).toContain("want a key in quotes")
    expect(told(() => readJson("[".repeat(100_000)))).toContain("nested deeper")
    expect(told(() => readJson(`${"[".repeat(1000)}${"]".repeat(1000)}`))).toContain("nested deeper")
    expect(readJson(`{"a":1,"a":2}`)).toEqual({ a: 2 })
    expect(readJson(`"\\ud800"`)).toBe("\ufffd")
  })

  test("is linear: a megabyte of anything", () => {
    for (const text of [
      `"${"a".repeat(1 << 20)}"`,
      `"${"\\\\".repeat(1 << 19)}"`,
      "1".repeat(1 << 20),
      `[${"1234567890123456,".repeat(60_000)}1]`,
      " ".repeat(1 << 20),
    ]) {
      told(() => readJson(text))
    }
  })
})

describe("writing", () => {
  test("is JSON.stringify with sorted keys, for values that JSON has", () => {
    const sorted = (v: unknown): unknown =>
      Array.isArray(v)
        ? v.map(sorted)
        : typeof v === "object" && v !== null
          ? Object.fromEntries(
              Object.entries(v)
                .sort(([a], [b]) => (a < b ? -1 : 1))
                .map(([k, x]) => [k, sorted(x)]),
            )
          : v
    const v = { b: [1, -2.5, 'é\u2028\n"', null], a: { z: true, y: {} }, c: [] }
    expect(jsonText(v)).toBe(JSON.stringify(sorted(v)))
    expect(jsonText({ b: 1, "10": 2, "9": 3 })).toBe(`{"10":2,"9":3,"b":1}`)
  })

  test("says what JSON has no word for", () => {
    expect(jsonOf(2n ** 60n)).toBe("1152921504606846976")
    expect(jsonOf(7n)).toBe(7)
    expect(jsonOf(new Uint8Array([104, 105]))).toBe("aGk=")
    expect(jsonOf(new Tensor("u8", [2], new Uint8Array([1, 2])))).toEqual({ dtype: "u8", shape: [2], data: "AQI=" })
    expect(told(() => jsonOf({ a: [Number.NaN] }))).toBe("BadNumber: Cannot write NaN as JSON: it has no word for it")
    expect(jsonText([Number.NaN, Number.NEGATIVE_INFINITY], { nonFinite: "text" })).toBe(`["NaN","-Infinity"]`)
    expect(jsonText([Number.NaN], { nonFinite: "null" })).toBe("[null]")
  })

  test("reads back as the same, for 3,000 random JSON values", () => {
    const r = new Random(2)
    for (let i = 0; i < 3000; i++) {
      const v = jsonOf(randomValue(r, 3), { nonFinite: "null" }) as Value
      // Digits beyond 2^53 come back as an int64, which is written as text.
      if (!/\d{16}/.test(jsonText(v))) expect(jsonText(readJson(jsonText(v)))).toBe(jsonText(v))
    }
  })
})
