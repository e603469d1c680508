// From operations to steps and slots: every extern once for each tool that the graph calls, every order that was written
// still there, and frames as large as what is alive at once, not as what there is in all.
import { describe, expect, test } from "bun:test"
import { decodePlan, encodePlan, verify } from "../plan/mod.ts"
import { compiledOf, ran, type Sample, same } from "../tests/machine/passes.ts"

/** A chain of so many nodes; `line` writes node i, which uses `before`. */
const chain = (size: number, line: (i: number, before: string) => string): Sample => ({
  text: `graph: chain\ninput: { n: number }\nnodes:\n${Array.from(
    { length: size },
    (_, i) => `  n${i}: ${line(i, i === 0 ? "input.n" : `n${i - 1}`)}`,
  ).join("\n")}\noutput: n${size - 1}\n`,
  tools: { f: ({ n }: { n: number }) => n + 1, look: ({ n }: { n: number }) => n - 1 },
})
const slotsOf = (sample: Sample) => compiledOf(sample, { checked: false, texts: false }).plan.scopes[0]!.slots
const expr = (_: number, before: string) => `{ expr: ${before} * 0.5 + 1 }`
const call = (_: number, before: string) => `{ pure: f, with: { n: "\${ ${before} }" }, output: number }`
const read = (i: number, before: string) => `{ read: look, on: r${i}, with: { n: "\${ ${before} }" }, output: number }`

describe("slots", () => {
  test("a chain lives in as many slots, however long it is", () => {
    for (const line of [
      call,
      read,
      (i: number, b: string) => (i % 2 === 0 ? expr(i, b) : call(i, b)),
      (i: number, b: string) => (i % 3 === 0 ? `{ expr: "${b} > 3 ? ${b} - 1 : 0 - ${b}" }` : read(i, b)),
    ]) {
      const [short, long] = [slotsOf(chain(60, line)), slotsOf(chain(240, line))]
      expect(long).toBe(short)
      expect(long).toBeLessThanOrEqual(8)
    }
  })

  test("a chain of 10,000 expressions, too", () => {
    expect(slotsOf(chain(10_000, expr))).toBeLessThanOrEqual(8)
  }, 60_000)

  test("as many slots as values live at once: the width of the graph, not its size", () => {
    /** `width` chains side by side. */
    const side = (width: number, length: number) => {
      const nodes = Array.from({ length }, (_, i) =>
        Array.from({ length: width }, (_, w) => `  c${w}_${i}: ${call(i, i === 0 ? "input.n" : `c${w}_${i - 1}`)}`),
      ).flat()
      const all = Array.from({ length: width }, (_, w) => `c${w}_${length - 1}`).join(" + ")
      return slotsOf({
        text: `graph: side\ninput: { n: number }\nnodes:\n${nodes.join("\n")}\noutput: ${all}\n`,
        tools: { f: () => 1 },
      })
    }
    const [narrow, wide] = [side(4, 25), side(16, 25)]
    expect(narrow).toBeLessThanOrEqual(2 * 4 + 8)
    expect(wide).toBeLessThanOrEqual(2 * 16 + 8)
  })

  test("a slot that is used again holds the right value, in every way of running it", async () => {
    for (const line of [
      (i: number, b: string) => (i % 2 === 0 ? expr(i, b) : call(i, b)),
      (i: number, b: string) => (i % 2 === 0 ? `{ expr: "${b} > 0.5 ? ${b} / 2 : 0.3 - ${b}" }` : call(i, b)),
      (i: number, b: string) => (i % 2 === 0 ? `{ expr: "[${b}, ${b} + 1].map(x, x + ${b}).sum()" }` : read(i, b)),
      (i: number, b: string) => (i % 2 === 0 ? `{ expr: "${b} < 3 && 1 / ${b} > 0 ? 1 : ${b} * 0.1" }` : read(i, b)),
    ])
      await same(chain(40, line), { n: 0.7 }, "fold")
    // Three blocks, one behind the other.
    await same(chain(520, expr), { n: 0.7 }, "fold")
  }, 60_000)

  test("a value that two units read, a body captures, or the graph gives keeps its slot", async () => {
    const sample: Sample = {
      text: `graph: kept
input: { n: number, on: boolean }
nodes:
  a: { read: look, on: a, with: { n: "\${ input.n }" }, output: number }
  b: { pure: f, with: { n: "\${ a }" }, output: number }
  c: { pure: f, with: { n: "\${ b }" }, output: number }
  d: { when: input.on, then: { expr: a + b }, else: { read: look, on: d, with: { n: "\${ c }" }, output: number } }
  e: { map: "[1, 2]", as: x, do: { pure: f, with: { n: "\${ x + c }" }, output: number } }
output: "{ 'a': a, 'd': d, 'e': e }"
`,
      tools: { f: ({ n }: { n: number }) => n * 3, look: ({ n }: { n: number }) => n + 1 },
    }
    for (const on of [true, false]) await same(sample, { n: 2, on }, "share")
  })
})

describe("lower", () => {
  const ordered: Sample = {
    text: `graph: ordered
input: { n: number }
nodes:
  w1: { write: put, on: db, with: { n: 1 }, output: number }
  r1: { read: look, on: db, with: { n: 2 }, output: number, after: w1 }
  r2: { read: look, on: db, with: { n: 2 }, output: number, after: w1 }
  w2: { write: put, on: db, with: { n: 1 }, output: number, after: [r1, r2] }
output: w1 + r1 + r2 + w2 + input.n
`,
    tools: { put: ({ n }: { n: number }) => n, look: ({ n }: { n: number }) => n },
  }

  test("each read and write is one step, and every order that was written is in the plan", () => {
    const { plan } = compiledOf(ordered)
    const steps = plan.scopes[0]!.steps.filter(({ op }) => op[0] === "invoke")
    const pathOf = (path: number) => (plan.constants[path]!.value as string[]).join(".")
    const at = new Map(
      steps.map(({ op }) => [pathOf(op[4] as number), plan.scopes[0]!.steps.findIndex((s) => s.op === op)]),
    )
    expect([...at.keys()].sort()).toEqual(["r1", "r2", "w1", "w2"])
    const after = (name: string) => plan.scopes[0]!.steps[at.get(name)!]!.op.at(-1) as readonly number[]
    expect(after("r1")).toContain(at.get("w1")!)
    expect(after("r2")).toContain(at.get("w1")!)
    for (const before of ["r1", "r2"]) expect(after("w2")).toContain(at.get(before)!)
  })

  test("the same tool with the same settings is one extern; effect, resource and needs are its registration's", () => {
    const { plan } = compiledOf(ordered)
    expect(plan.externs.map(({ kind, effect, resource, needs }) => ({ kind, effect, resource, needs }))).toEqual([
      { kind: "write", effect: "write", resource: "db", needs: ["app:put"] },
      { kind: "read", effect: "read", resource: "db", needs: ["app:look"] },
    ])
    expect(plan.needs).toEqual(["app:look", "app:put"])
  })

  test("what comes out is verified, and comes back from its bytes", async () => {
    const { plan, bytes } = compiledOf(ordered)
    expect(decodePlan(bytes)).toEqual(plan)
    expect(encodePlan(decodePlan(bytes))).toEqual(bytes)
    expect(() => verify(decodePlan(bytes))).not.toThrow()
    const { effects } = await ran(ordered, { n: 1 })
    expect(effects[0]).toBe("write db w1")
    expect(effects.slice(1, 3).sort()).toEqual(["read db r1", "read db r2"])
    expect(effects[3]).toBe("write db w2")
  })

  test("bytes grow with the graph, not faster", () => {
    const bytes = (size: number) => compiledOf(chain(size, expr), { checked: false, texts: false }).bytes.length
    const [one, two, four] = [bytes(200), bytes(400), bytes(800)]
    // Indexes above 127 take a second byte; besides, twice the graph is twice the plan.
    expect((four - two) / (two - one)).toBeLessThan(2.2)
    expect((four - two) / (two - one)).toBeGreaterThan(1.8)
  })
})
