// What is near enough to be offered, against edit distance computed the plain recursive way.
import { describe, expect, test } from "bun:test"
import { nearest } from "./near.ts"
import { Random } from "./random.sample.ts"

describe("nearest", () => {
  test("another case, a beginning, a slip; nothing where nothing is near", () => {
    expect(nearest("weight", ["distance_km", "weight_kg"])).toBe("weight_kg")
    expect(nearest("wieght_kg", ["distance_km", "weight_kg"])).toBe("weight_kg")
    expect(nearest("EURO", ["USD", "EUR"])).toBe("EUR")
    expect(nearest("usd", ["EUR", "USD"])).toBe("USD")
    expect(nearest("siz", ["sign", "size"])).toBe("size")
    expect(nearest("DKK", ["EUR", "USD"])).toBe(undefined)
    expect(nearest("x", ["abc"])).toBe(undefined)
    expect(nearest("", ["abc"])).toBe(undefined)
    expect(nearest("a", [])).toBe(undefined)
  })

  /** Optimal string alignment by its definition. */
  function slips(a: string, b: string): number {
    if (a === "" || b === "") return a.length + b.length
    const rest = [
      slips(a.slice(1), b) + 1,
      slips(a, b.slice(1)) + 1,
      slips(a.slice(1), b.slice(1)) + (a[0] === b[0] ? 0 : 1),
    ]
    if (a.length > 1 && b.length > 1 && a[0] === b[1] && a[1] === b[0]) rest.push(slips(a.slice(2), b.slice(2)) + 1)
    return Math.min(...rest)
  }
  test("agrees with the definition of distance on 3,000 random pairs", () => {
    const r = new Random(4)
    const word = () => Array.from({ length: 3 + r.below(3) }, () => r.pick(["a", "b", "c"])).join("")
    for (let i = 0; i < 3000; i++) {
      const [a, b] = [word(), word()]
      const begun = a.startsWith(b) || b.startsWith(a)
      const near = begun || slips(a, b) <= Math.max(1, Math.floor(a.length / 3))
      expect([a, b, nearest(a, [b]) === b]).toEqual([a, b, near])
    }
  })
  test("looks at a bounded number of candidates", () => {
    let asked = 0
    function* many() {
      for (;;) yield `name_${asked++}`
    }
    nearest("something", many())
    expect(asked).toBeLessThan(1000)
  })
})
