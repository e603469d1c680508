// Ports, templates and operators: what they become is compared as CEL text, what they compute with plain JavaScript.
import { describe, expect, test } from "bun:test"
import * as v from "valibot"
import { printCel } from "../cel.ts"
import { evaluate } from "../evaluate.ts"
import { Failure } from "../failure.ts"
import type { Value } from "../value.ts"
import {
  add,
  all,
  and,
  BuildError,
  bool,
  cel,
  concat,
  cond,
  each,
  eq,
  exists,
  field,
  filter,
  graph,
  gt,
  has,
  need,
  num,
  or,
  orNull,
  port,
  sortBy,
  str,
  sum,
  sumBy,
  text,
} from "./mod.ts"

const Input = {
  n: v.number(),
  s: v.string(),
  on: v.boolean(),
  xs: v.array(v.number()),
  lines: v.array(v.object({ w: v.number(), name: v.string() })),
  table: v.record(v.string(), v.number()),
  who: v.optional(v.object({ name: v.optional(v.string()), then: v.number(), at: v.number() })),
  none: v.nullable(v.number()),
  any: v.any(),
}
// biome-ignore lint/suspicious/noExplicitAny: tests do to ports what types forbid
type Loose = any

/** The CEL text of what a body gives. */
const written = (body: (input: Loose) => unknown): string =>
  printCel(graph("g", { input: Input }, body as never).ir.body.output)
/** The value of what a body gives. */
const value = (body: (input: Loose) => unknown, input: Record<string, Value>): Value =>
  evaluate(graph("g", { input: Input }, body as never).ir.body.output, () => input)

describe("a port", () => {
  const habits: readonly (readonly [what: string, words: string, use: (input: Loose) => unknown])[] = [
    ["in text", "Write text`", (i) => `${i.n}`],
    ["added to text", "Cannot add or compare", (i) => "a" + i.n],
    ["multiplied", "Write num`", (i) => i.n * 2],
    ["negated", "Write num`", (i) => -i.n],
    ["compared", "Write num`", (i) => i.n < 3],
    ["as JSON", "JSON", (i) => JSON.stringify(i.n)],
    ["spread as a record", "Cannot spread", (i) => ({ ...i.who })],
    ["spread as a list", "Cannot spread", (i) => [...i.xs]],
    ["as arguments", "Cannot spread", (i) => Math.max(...i.xs)],
    [
      "taken apart as a list",
      ".at(i)",
      (i) => {
        const [first] = i.xs
        return first
      },
    ],
    [
      "gone through",
      "Cannot spread",
      (i) => {
        for (const x of i.xs) return x
      },
    ],
    ["with its keys listed", "Cannot spread or list", (i) => Object.keys(i.who)],
    ["asked for a key", "use has(", (i) => "name" in i.who],
    ["indexed as a list", "Write .at(0)", (i) => i.xs[0]],
    ["with a method of lists", "map(name, port", (i) => i.xs.map((x: number) => x)],
    ["with a method of text", "has no fields", (i) => i.s.length],
    ["as text by its method", "Write text`", (i) => i.n.toString()],
    ["with a wrong field", "it has w (number), name (string)", (i) => i.lines.at(0).wight],
    ["with a key of a map as a field", 'Write .at("EUR")', (i) => i.table.EUR],
    [
      "assigned to",
      "read only",
      (i) => {
        i.n = 3
      },
    ],
    ["deleted from", "read only", (i) => delete i.who.name],
  ]
  for (const [what, words, use] of habits) {
    test(`is not its value: ${what}`, () => {
      let caught: unknown
      graph("g", { input: Input }, ((input: Loose) => {
        try {
          use(input)
        } catch (e) {
          caught = e
        }
        return null
      }) as never)
      expect(caught).toBeInstanceOf(BuildError)
      expect((caught as BuildError).reason).toBe("port")
      expect((caught as BuildError).message).toContain(words)
    })
  }

  test("is not awaited: the promise fails with the reason", async () => {
    let inside: Loose
    graph("g", { input: Input }, (input) => {
      inside = input.n
      return null
    })
    await expect(Promise.resolve(inside)).rejects.toThrow("Cannot await port input.n (number)")
  })

  test("shows what it is when it is printed", () => {
    graph("g", { input: Input }, (input) => {
      const inspect = (input.n as Loose)[Symbol.for("nodejs.util.inspect.custom")]
      expect(inspect()).toBe("port input.n (number)")
      return null
    })
  })

  test("leads to what is inside", () => {
    expect(written((i) => i.lines.at(0).w)).toBe("input.lines[0].w")
    expect(written((i) => i.lines.at(i.n).name)).toBe("input.lines[input.n].name")
    expect(written((i) => i.table.at(i.s))).toBe("input.table[input.s]")
    expect(written((i) => [i.lines.length, i.table.length])).toBe("[input.lines.size(), input.table.size()]")
    expect(written((i) => i.any.deep.at(3).length)).toBe("input.any.deep[3].size()")
    expect(written((i) => field(i.who as Loose, "then" as never))).toBe("input.who.then")
    expect(written((i) => i.who.at)).toBe("input.who.at")
    expect(written((i) => field(i.any, "length" as never))).toBe("input.any.length")
  })

  test("says what happens where there is nothing", () => {
    expect(written((i) => i.who.name)).toBe("input.who.name")
    expect(written((i) => or(i.who.name, "x"))).toBe('input.?who.?name.orValue("x")')
    expect(written((i) => or(i.table.at("EUR"), 1))).toBe("input.table.?EUR.orValue(1)")
    expect(written((i) => or(i.none, 0))).toBe("input.none.orValue(0)")
    expect(written((i) => or(i.on, eq(i.n, 1)))).toBe("input.on || input.n == 1")
    expect(written((i) => need(i.who.name))).toBe("input.?who.?name.value()")
    expect(written((i) => [need(i.xs.at(0)), need(i.table.at("EUR"))])).toBe("[input.xs[0], input.table.EUR]")
    expect(written((i) => has(i.who.name))).toBe("has(input.who.name)")
    expect(written((i) => has(i.xs.at(3)))).toBe("input.xs[?3].hasValue()")
    expect(() => written((i) => or(i.n, 1))).toThrow("it is always there")
    expect(value((i) => ({ a: orNull(i.who.name), b: 1 }), {})).toEqual({ a: null, b: 1 })
    expect(value((i) => or(i.who.name, "x"), { who: {} })).toBe("x")
    expect(() => value((i) => i.who.name, { who: {} })).toThrow(Failure)
  })
})

describe("templates", () => {
  test("are CEL with ports in their holes", () => {
    expect(written((i) => num`${i.n} * 2 + ${i.xs}.sum()`)).toBe("input.n * 2 + input.xs.sum()")
    expect(written((i) => num`${num`${i.n} + 1`} * 2`)).toBe("(input.n + 1) * 2")
    expect(written((i) => bool`${i.n} > ${3} && ${i.on}`)).toBe("input.n > 3 && input.on")
    expect(written((i) => str`${i.s} + ", " + string(${i.n})`)).toBe('input.s + ", " + string(input.n)')
    expect(written((i) => cel<readonly string[]>`${i.lines}.map(l, l.name)`)).toBe("input.lines.map(l, l.name)")
    expect(written((i) => text`Dear ${i.s}: ${i.n}`)).toBe(`text("Dear ", input.s, ": ", input.n)`)
    expect(written(() => text`plain`)).toBe('"plain"')
  })

  test("know the type of what they give", () => {
    expect(written((i) => (cel`${i.lines}.map(l, {"n": l.name})` as Loose).at(0).n)).toBe(
      'input.lines.map(l, {"n": l.name})[0].n',
    )
    expect(() => written((i) => num`${i.s} + "x"`)).toThrow("it gives a string")
    expect(() => written((i) => num`${i.lines}.sum()`)).toThrow(BuildError)
    expect(() => written((i) => bool`${i.who}.nmae == "x"`)).toThrow("${1}")
  })

  test("refuse what is no expression, a loose name, and a variable that would catch a port", () => {
    expect(() => written((i) => num`${i.n} +`)).toThrow("Cannot read the expression")
    expect(() => written(() => num`n + 1`)).toThrow("the name n is not known in it. Insert a port: ${n}")
    expect(() => written((i) => cel`${i.xs}.map(input, input + ${i.n})`)).toThrow("Call the variable something else")
    expect(() => written((i) => str`"a ${i.s}"`)).toThrow(BuildError)
  })
})

describe("operators", () => {
  test("compute what JavaScript does", () => {
    const input = {
      n: 3,
      s: "b",
      on: true,
      xs: [3, 1, 2],
      lines: [
        { w: 2, name: "b" },
        { w: 1, name: "a" },
      ],
      table: { a: 1 },
      none: null,
      any: 1,
    }
    const cases: readonly (readonly [(i: Loose) => unknown, Value])[] = [
      [(i) => add(i.n, 4), 7],
      [(i) => sum(i.xs), 6],
      [(i) => and(i.on, gt(i.n, 2), eq(i.s, "b")), true],
      [(i) => cond(gt(i.n, 2), "many", i.s), "many"],
      [(i) => concat(i.xs, [9]), [3, 1, 2, 9]],
      [
        (i) => each(i.lines, (l) => ({ n: (l as Loose).name, twice: num`${(l as Loose).w} * 2` })),
        [
          { n: "b", twice: 4 },
          { n: "a", twice: 2 },
        ],
      ],
      [(i) => filter(i.xs, (x) => gt(x as Loose, 1)), [3, 2]],
      [(i) => (sortBy(i.lines, (l) => (l as Loose).w) as Loose).at(0).name, "a"],
      [(i) => sumBy(i.lines, (l) => num`${(l as Loose).w} * ${i.n}`), 9],
      [(i) => all(i.xs, (x) => exists(i.lines, (l) => gt(num`${x as Loose} + ${(l as Loose).w}`, 2))), true],
      [(i) => each(i.xs, (x) => sumBy(i.xs, (y) => num`${x as Loose} * ${y as Loose}`)), [18, 6, 12]],
      [(i) => port({ a: i.n, b: [1, i.s] }), { a: 3, b: [1, "b"] }],
    ]
    for (const [body, want] of cases) expect(value(body, input)).toEqual(want)
  })

  test("refuse types that the table does not take", () => {
    expect(() => written((i) => add(i.s, i.n))).toThrow("Cannot compute +(string, number)")
    expect(() => written((i) => and(i.n, i.on))).toThrow("it takes booleans")
    expect(() => written((i) => each(i.n, () => 1))).toThrow("a list is wanted")
  })

  test("do not let an item out of its body", () => {
    expect(() =>
      written((i) => {
        let leaked: unknown
        each(i.xs, (x) => {
          leaked = x
          return x
        })
        return leaked
      }),
    ).toThrow("the body of map")
  })
})
