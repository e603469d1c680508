// Rows of functions and blocks: as code of their own, from flat arrays and one by one they must do the same, wherever in
// the row something answers later, fails, or answers wrongly; also at the seams between the parts of a long row.
import { describe, expect, test } from "bun:test"
import { Failure, printPath } from "../graph/mod.ts"
import { Machine, type MachineOptions, WAYS } from "../tests/machine/machine.ts"

const LENGTH = 70
/** `x` through functions `f0` … `f69`, each adding its number. */
const chain = (type: string) => `graph: row
input: { x: ${type} }
nodes:
${Array.from({ length: LENGTH }, (_, i) => `  n${i}: { pure: f${i}, with: { x: "\${ ${i === 0 ? "input.x" : `n${i - 1}`} }" }, output: ${type} }`).join("\n")}
output: n${LENGTH - 1}
`
const tools = (f: (i: number) => (args: { x: never }) => unknown) =>
  Object.fromEntries(Array.from({ length: LENGTH }, (_, i) => [`f${i}`, f(i)]))
const ways: readonly (readonly [string, MachineOptions])[] = [
  ...WAYS,
  ["until it is warm", { codegen: true, eager: false }],
]
const PLACES = [0, 1, 31, 32, 33, 63, 64, LENGTH - 1]

for (const [says, options] of ways) {
  describe(`a row of functions ${says}`, () => {
    const add =
      (i: number) =>
      ({ x }: { x: number }) =>
        x + i
    const sum = (LENGTH * (LENGTH - 1)) / 2

    test("gives what the functions give, at once and again and again", () => {
      const machine = new Machine(chain("number"), tools(add as never), options)
      for (let i = 0; i < 40; i++) {
        const { answer } = machine.begin({ x: i })
        expect(answer).toEqual({ ok: true, value: sum + i })
      }
    })

    test("waits where a function answers later, and goes on from there", async () => {
      for (const place of PLACES) {
        const machine = new Machine(
          chain("number"),
          tools(
            ((i: number) =>
              ({ x }: { x: number }) =>
                i === place ? Promise.resolve(x + i) : x + i) as never,
          ),
          options,
        )
        for (let i = 0; i < 4; i++) expect((await machine.run({ x: 1 })).out).toBe(sum + 1)
      }
    })

    test("names the node whose function throws, or whose answer is of another type", async () => {
      for (const place of PLACES) {
        for (const [bad, code] of [
          [
            () => {
              throw new RangeError("no")
            },
            "Threw",
          ],
          [() => "text", "Mismatch"],
          [() => Promise.reject(new RangeError("no")), "Threw"],
          [() => Promise.resolve("text"), "Mismatch"],
          [() => undefined, "Mismatch"],
          [() => null, "Mismatch"],
        ] as const) {
          const machine = new Machine(
            chain("number"),
            tools(((i: number) => (args: { x: number }) => (i === place ? bad() : args.x + i)) as never),
            options,
          )
          const { out } = await machine.run({ x: 1 })
          expect(out).toBeInstanceOf(Failure)
          expect([(out as Failure).code, printPath((out as Failure).path!)]).toEqual([code, `n${place}`])
        }
      }
    })

    test("calls nothing behind a function that fails", async () => {
      const called: number[] = []
      const machine = new Machine(
        chain("number"),
        tools(((i: number) =>
          ({ x }: { x: number }) => {
            called.push(i)
            if (i === 40) throw new RangeError("no")
            return x
          }) as never),
        options,
      )
      await machine.run({ x: 1 })
      expect(called).toEqual(Array.from({ length: 41 }, (_, i) => i))
    })

    test("texts, booleans and records go through it as numbers do", async () => {
      const text = new Machine(
        chain("string"),
        tools(
          ((i: number) =>
            ({ x }: { x: string }) =>
              x + (i % 10)) as never,
        ),
        options,
      )
      const expected = Array.from({ length: LENGTH }, (_, i) => i % 10).join("")
      for (let i = 0; i < 4; i++) expect((await text.run({ x: "" })).out).toBe(expected)
      const flip = new Machine(
        chain("boolean"),
        tools(
          (() =>
            ({ x }: { x: boolean }) =>
              !x) as never,
        ),
        options,
      )
      for (let i = 0; i < 4; i++) expect((await flip.run({ x: true })).out).toBe(LENGTH % 2 === 0)
      const nest = new Machine(
        chain("{ a: number }"),
        tools(((i: number) =>
          ({ x }: { x: { a: number } }) => ({ a: x.a + i })) as never),
        options,
      )
      for (let i = 0; i < 4; i++) expect((await nest.run({ x: { a: 1 } })).out).toEqual({ a: sum + 1 })
    })

    test("a value that several take is there for each of them", async () => {
      const machine = new Machine(
        `graph: shared
input: { x: number }
nodes:
  a: { pure: double, with: { x: "\${ input.x }" }, output: number }
  b: { pure: double, with: { x: "\${ a }" }, output: number }
  c: { pure: double, with: { x: "\${ a }" }, output: number }
  d: { pure: double, with: { x: "\${ c }" }, output: number }
  e: { expr: a + b * 10 + c * 100 + d * 1000 }
output: e
`,
        { double: ({ x }: { x: number }) => x * 2 },
        options,
      )
      for (let i = 0; i < 4; i++) expect((await machine.run({ x: 1 })).out).toBe(2 + 40 + 400 + 8000)
    })
  })
}
