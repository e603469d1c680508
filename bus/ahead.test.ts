/** Looking ahead: when reads begin, what comes of guesses right, wrong and strange, and what never happens on a guess. */
import { describe, expect, test } from "bun:test"
import { fail, type Prediction, printPath } from "../graph/mod.ts"
import { Chance } from "../tests/laws/chance.ts"
import { Machine, type MachineOptions, type Tools, told } from "../tests/machine/machine.ts"
import { sure, TestShadow } from "../tests/machine/shadows.ts"
import { Odds } from "./odds.ts"
import { SPECULATION, type Speculation } from "./speculation.ts"

type Args = { readonly n: number }
interface World {
  readonly machine: Machine
  /** What was called when, `f 1 at 0`. */
  readonly log: string[]
}

/** Reads `f` add one, in 10 ms; writes `w` hand back what they are given. */
function world(text: string, more: Tools = {}, options: MachineOptions = {}): World {
  const log: string[] = []
  const slow =
    (name: string, make: (n: number) => unknown) =>
    async ({ n }: Args, { signal }: { readonly signal: AbortSignal }) => {
      log.push(`${name} ${n} at ${machine.clock.tick()}`)
      await machine.clock.sleep(10, signal)
      return make(n)
    }
  const machine: Machine = new Machine(text, { f: slow("f", (n) => n + 1), w: slow("w", (n) => n), ...more }, options)
  return { machine, log }
}

/** A run of the machine that looks ahead; every read of the graph has the shadow. */
function ahead({ machine }: World, shadow: TestShadow, input: number, more: Partial<Speculation> = {}) {
  const shadows = machine.admitted.externs.map(({ claim }) => (claim.effect === "read" ? shadow : undefined))
  return machine.run(
    { x: input },
    { speculation: { ...SPECULATION, costs: false, odds: new Odds(), shadows, ...more } },
  )
}

const guesses = ({ ledger }: Awaited<ReturnType<Machine["run"]>>): readonly string[] =>
  ledger.flatMap((body) => {
    if (body.kind === "guess")
      return [`${printPath(body.path)} ${body.verdict}${body.why === null ? "" : `: ${body.why}`}`]
    return body.kind === "discarded" ? [`${printPath(body.path)} discarded`] : []
  })

const read = (name: string, from: string, mark = ", speculate: true") =>
  `  ${name}: { read: f, on: "at:${name}", with: { n: "\${ ${from} }" }, output: number${mark} }\n`
const CHAIN = `graph: g\ninput: { x: number }\nnodes:\n${read("a", "input.x")}${read("b", "a")}${read("c", "b")}output: c\n`
const WRITES = CHAIN.replace("output: c\n", `  w: { write: w, with: { n: "\${ c }" }, output: number }\noutput: w\n`)
const right = () => new TestShadow((args) => sure((args as Args).n + 1))
const wrongAt = (n: number) => new TestShadow((args) => sure((args as Args).n === n ? 50 : (args as Args).n + 1))

describe("a chain of reads", () => {
  test("without looking ahead they come one after another", async () => {
    const w = world(CHAIN)
    expect((await w.machine.run({ x: 1 })).ms).toBe(30)
  })

  test("all guesses right: all of them at once, and the same trace", async () => {
    const [w, alone] = [world(CHAIN), world(CHAIN)]
    const [ended, serial] = [await ahead(w, right(), 1), await alone.machine.run({ x: 1 })]
    expect([ended.out, ended.ms]).toEqual([4, 10])
    expect(w.log).toEqual(["f 1 at 0", "f 2 at 0", "f 3 at 0"])
    expect(ended.trace).toBe(serial.trace)
    expect(told(ended)).toEqual(told(serial))
    // Nothing waits for what the last one comes to, so that is not guessed.
    expect(guesses(ended)).toEqual(["a kept", "b kept"])
  })

  test("a wrong guess: what rested on it is thrown away, on record, and run again; the rest stays", async () => {
    const w = world(CHAIN)
    const shadow = wrongAt(2)
    const ended = await ahead(w, shadow, 1)
    expect([ended.out, ended.ms]).toEqual([4, 20])
    expect(w.log).toEqual(["f 1 at 0", "f 2 at 0", "f 50 at 0", "f 3 at 10"])
    expect(guesses(ended)).toEqual(["a kept", "b wrong", "c discarded"])
    expect(shadow.told.map((t) => t.right)).toEqual([true, false])
    expect(ended.trace).toBe((await world(CHAIN).machine.run({ x: 1 })).trace)
  })

  test("where no read is marked, nothing is guessed", async () => {
    const w = world(CHAIN.replaceAll(", speculate: true", ""))
    const shadow = right()
    expect((await ahead(w, shadow, 1)).ms).toBe(30)
    expect(shadow.asked).toEqual([])
  })

  test("a read that is not marked is guessed and not called", async () => {
    const w = world(CHAIN.replace(read("b", "a"), read("b", "a", "")))
    const ended = await ahead(w, right(), 1)
    expect([ended.out, ended.ms]).toEqual([4, 20])
    expect(w.log).toEqual(["f 1 at 0", "f 3 at 0", "f 2 at 10"])
    expect(guesses(ended)).toEqual(["a kept", "b kept"])
  })
})

describe("bodies", () => {
  const item = (mark = true) =>
    `{ read: f, on: "at:m", with: { n: "\${ m }" }, output: number${mark ? ", speculate: true" : ""} }`

  test("items of a map rest on themselves alone: a wrong guess takes back one of them", async () => {
    const text = `graph: g
input: { x: number }
types: {}
nodes:
  all:
    map: "[1.0, 2.0, 3.0]"
    as: m
    do:
      graph: ./two.graph.yaml
      with: { m: "\${ m }" }
output: all
`
    const two = `graph: two
input: { m: number }
nodes:
  one: ${item()}
  two: { read: f, on: "at:two", with: { n: "\${ one }" }, output: number, speculate: true }
output: two
`.replaceAll("${ m }", "${ input.m }")
    const w = world(text, {}, { load: () => ({ file: "two.graph.yaml", text: two }) })
    const ended = await ahead(w, wrongAt(2), 0)
    expect([ended.out, ended.ms]).toEqual([[3, 4, 5], 20])
    expect(w.log).toEqual(["f 1 at 0", "f 2 at 0", "f 3 at 0", "f 2 at 0", "f 50 at 0", "f 4 at 0", "f 3 at 10"])
    expect(guesses(ended).filter((g) => g.endsWith("discarded"))).toEqual(["all[1].do.two discarded"])
  })

  test("rounds of a fold and of a loop begin on guesses, one after the other", async () => {
    for (const node of [
      `{ fold: "[1.0, 1.0, 1.0]", from: input.x, do: { read: f, on: "at:r", with: { n: "\${ acc }" }, output: number, speculate: true } }`,
      `{ loop: input.x, while: state < 4.0, max: 9, do: { read: f, on: "at:r", with: { n: "\${ state }" }, output: number, speculate: true } }`,
    ]) {
      const text = `graph: g\ninput: { x: number }\nnodes:\n  r: ${node}\noutput: r\n`
      const w = world(text)
      const ended = await ahead(w, right(), 1)
      expect([ended.out, ended.ms]).toEqual([4, 10])
      expect(w.log).toEqual(["f 1 at 0", "f 2 at 0", "f 3 at 0"])
      const wrong = world(text)
      const again = await ahead(wrong, wrongAt(2), 1)
      expect([again.out, again.ms, again.trace]).toEqual([4, 20, ended.trace])
    }
  })

  test("a choice made on a guess is taken back with all that it began", async () => {
    const text = `graph: g
input: { x: number }
nodes:
${read("a", "input.x")}  b:
    when: a > 10
    then: { read: f, on: "at:then", with: { n: "\${ a }" }, output: number, speculate: true }
    else: { read: f, on: "at:else", with: { n: 7 }, output: number, speculate: true }
output: b
`
    const w = world(text)
    const ended = await ahead(w, wrongAt(1), 1)
    expect([ended.out, ended.ms]).toEqual([8, 20])
    expect(w.log).toEqual(["f 1 at 0", "f 50 at 0", "f 7 at 10"])
    expect(told(ended)).toEqual(["read a", "read b.else"])
    expect(guesses(ended)).toEqual(["a wrong", "b.then discarded"])
  })

  test("what does not rest on a wrong guess goes on", async () => {
    const text = CHAIN.replace("output: c\n", `${read("d", "input.x + 10")}${read("e", "d")}output: "[c, e]"\n`)
    const w = world(text)
    const ended = await ahead(w, wrongAt(1), 1)
    expect([ended.out, ended.ms]).toEqual([[4, 13], 20])
    expect(guesses(ended).filter((g) => g.endsWith("discarded"))).toEqual(["b discarded", "c discarded"])
    expect(w.log.filter((line) => line.startsWith("f 12"))).toEqual(["f 12 at 0"])
  })

  test("a run that is cancelled stops what it called early", async () => {
    const stopped: number[] = []
    const w: World = world(CHAIN, {
      f: async ({ n }: Args, { signal }: { readonly signal: AbortSignal }) => {
        signal.addEventListener("abort", () => stopped.push(n))
        await w.machine.clock.sleep(10, signal)
        return n + 1
      },
    })
    const halt = new AbortController()
    w.machine.clock.sleep(5).then(() => halt.abort("enough"))
    const shadows = w.machine.admitted.externs.map(() => right())
    const speculation = { ...SPECULATION, costs: false, odds: new Odds(), shadows }
    const ended = await w.machine.run({ x: 1 }, { speculation, signal: halt.signal })
    expect((ended.out as { code: string }).code).toBe("Cancelled")
    expect(stopped.sort()).toEqual([1, 2, 3])
    expect(guesses(ended)).toEqual(["a dropped", "b dropped", "b discarded", "c discarded"])
  })
})

describe("bounds", () => {
  test("of guesses that one call rests on", async () => {
    const w = world(CHAIN)
    expect((await ahead(w, right(), 1, { depth: 1 })).ms).toBe(20)
    expect(w.log).toEqual(["f 1 at 0", "f 2 at 0", "f 3 at 10"])
  })
  test("of guesses at once", async () => {
    const w = world(CHAIN)
    expect((await ahead(w, right(), 1, { outstanding: 1 })).ms).toBe(20)
  })
  test("of calls at once", async () => {
    const w = world(CHAIN)
    expect((await ahead(w, right(), 1, { calls: 1 })).ms).toBe(20)
    expect(w.log).toEqual(["f 1 at 0", "f 2 at 0", "f 3 at 10"])
  })
  test("of what a prediction promises: its bound and its confidence, the node's own bound before the run's", async () => {
    const weak = () => new TestShadow((args) => sure((args as Args).n + 1, 0.2, 0.5))
    expect(guesses(await ahead(world(CHAIN), weak(), 1))).toContain("a off: confidence: at most 0.2 wrong, wanted 0.05")
    expect(guesses(await ahead(world(CHAIN), weak(), 1, { error: 1, confidence: 0.9 }))).toContain(
      "a off: confidence: 0.5",
    )
    const strict = CHAIN.replaceAll("speculate: true", "speculate: true, shadow: { error: 10% }")
    expect((await ahead(world(strict), weak(), 1, { error: 1 })).ms).toBe(30)
  })
})

describe("what never happens on a guess", () => {
  test("a write waits until its arguments are certain, and has none but these", async () => {
    for (const at of [1, 2, 3, 99]) {
      const w = world(WRITES)
      const ended = await ahead(w, wrongAt(at), 1)
      expect(ended.out).toBe(4)
      expect(w.log.filter((line) => line.startsWith("w "))).toEqual([`w 4 at ${ended.ms - 10}`])
      expect(told(ended).slice(-2)).toEqual(["intent w", "delivered"])
    }
  })

  test("what follows a write in order is not read before it", async () => {
    const text = `graph: g
input: { x: number }
nodes:
${read("a", "input.x")}  gate:
    when: a > 10
    then: { write: w, on: "at:b", with: { n: "\${ a }" }, output: number }
    else: { expr: "0" }
  b: { read: f, on: "at:b", with: { n: "\${ input.x }" }, output: number, speculate: true, after: gate }
output: { b: b, gate: gate }
`
    // Guessed that nothing is written, b would be read too early: that reading must not count.
    const f = async ({ n }: Args) => {
      w.log.push(`f ${n}`)
      await w.machine.clock.sleep(10)
      return n * 20
    }
    const w: World = world(text, { f })
    const shadow = new TestShadow(() => sure(0))
    const ended = await ahead(w, shadow, 1)
    expect(w.log.map((line) => line.replace(/ at .*/, ""))).toEqual(["f 1", "f 1", "w 20", "f 1"])
    expect(told(ended)).toEqual(["read a", "intent gate.then", "delivered", "read b"])
    expect(guesses(ended)).toContain("b discarded")
  })

  test("a failure on a guess is none: neither the run's nor one that is met", async () => {
    const text = `graph: g
input: { x: number }
nodes:
${read("a", "input.x")}  b:
    expr: "[1, 2, 3][a]"
    catch: { write: w, with: { n: 1 }, output: number }
${read("c", "b")}output: c
`
    const w = world(text)
    const ended = await ahead(w, new TestShadow(() => sure(7)), 1)
    expect(ended.out).toBe(4)
    expect(told(ended)).toEqual(["read a", "read c"])
  })

  test("a failing read that was called early is asked again by the run itself", async () => {
    let calls = 0
    const w = world(CHAIN, {
      f: async ({ n }: Args) => {
        await w.machine.clock.sleep(10)
        if (n === 2 && ++calls === 1) throw fail("Down", "not now")
        return n + 1
      },
    })
    const ended = await ahead(w, right(), 1)
    expect([ended.out, ended.ms]).toEqual([4, 20])
    expect(guesses(ended)).toContain("b discarded")
  })
})

describe("strange shadows say nothing, and harm nothing", () => {
  const cases: { readonly [name: string]: () => Prediction } = {
    throws: () => {
      throw new TypeError("no weights")
    },
    "answers another type": () => sure("two"),
    "has no bound": () => sure(2, Number.NaN),
    "has a bound above 1": () => sure(2, 7),
    "has no weights": () => ({ ...sure(2), by: "" }) as Prediction,
    "answers nothing": () => undefined as unknown as Prediction,
    "answers what is no value": () => sure({ f: () => 1 }),
    "answers too much": () => sure("x".repeat(2 << 20)),
    "is out of its support": () => ({ ok: false, why: "support" }),
  }
  for (const [name, say] of Object.entries(cases)) {
    test(name, async () => {
      const ended = await ahead(world(CHAIN), new TestShadow(say), 1)
      expect([ended.out, ended.ms]).toEqual([4, 30])
      expect(guesses(ended).map((g) => g.split(":")[0])).toEqual(["a off", "b off"])
    })
  }

  test("NaN is a number like any other", async () => {
    const ended = await ahead(world(CHAIN), new TestShadow(() => sure(Number.NaN)), 1)
    expect(ended.out).toBe(4)
    expect(guesses(ended)[0]).toBe("a wrong")
  })

  test("one that changes its mind, its answer or the arguments afterwards", async () => {
    const said: { n: number }[] = []
    const text = CHAIN.replaceAll("output: number", "output: { n: number }").replaceAll(/\$\{ ([ab]) \}/g, "${ $1.n }")
    const f = async ({ n }: Args) => {
      await w.machine.clock.sleep(10)
      return { n: n + 1 }
    }
    const w: World = world(text, { f })
    const shadow = new TestShadow((args, time) => {
      const answer = { n: (args as Args).n + time }
      said.push(answer)
      ;(args as { n: number }).n = 99
      void Promise.resolve().then(() => {
        answer.n = -1
      })
      return sure(answer)
    })
    const ended = await ahead(w, shadow, 1)
    expect(ended.out).toEqual({ n: 4 })
    expect(guesses(ended)[0]).toBe("a kept")
  })
})

describe("an early answer", () => {
  test("comes at once with its bound, and says later whether it held", async () => {
    for (const [at, holds] of [
      [99, true],
      [3, false],
    ] as const) {
      const heard: { value: unknown; bound: number; rests: number; at: number }[] = []
      const verdicts: Promise<boolean>[] = []
      const w = world(CHAIN)
      const ended = await ahead(w, wrongAt(at), 1, {
        onEarly: ({ value, bound, rests, verified }) => {
          heard.push({ value, bound, rests: rests.length, at: w.machine.clock.tick() })
          verdicts.push(verified)
        },
      })
      expect(ended.out).toBe(4)
      expect(heard[0]).toEqual({ value: holds ? 4 : 50, bound: 0.03, rests: 3, at: 0 })
      // A wrong one is followed by another.
      expect(await Promise.all(verdicts)).toEqual(holds ? [true] : [false, true])
    }
  })
})

test("a chain of n equal calls takes 1 + (n − 1)(1 − p·c) of them, c what is spoken for and p what is right of that", async () => {
  const names = ["a", "b", "c", "d", "e"]
  const nodes = names.map((name, i) => read(name, i === 0 ? "input.x" : names[i - 1]!)).join("")
  const chain = `graph: g\ninput: { x: number }\nnodes:\n${nodes}output: e\n`
  const c = new Chance("closed form")
  for (const [speaks, rightly] of [
    [100, 100],
    [90, 90],
    [60, 80],
  ] as const) {
    const w = world(chain)
    const shadow = new TestShadow((args) => {
      if (!c.percent(speaks)) return { ok: false, why: "support" }
      return sure(c.percent(rightly) ? (args as Args).n + 1 : 1000 + c.below(1000))
    })
    let ms = 0
    const runs = 60
    for (let i = 0; i < runs; i++) ms += (await ahead(w, shadow, i)).ms
    const found = ms / runs / 10
    const pc = (speaks * rightly) / 10_000
    // Three standard errors of the number of guesses that hold, of (n − 1) for each run.
    expect(Math.abs(found - (1 + 4 * (1 - pc)))).toBeLessThanOrEqual(3 * Math.sqrt((4 * pc * (1 - pc)) / runs) + 1e-9)
  }
}, 60_000)

describe("costs", () => {
  test("a shadow that is mostly wrong is asked no more, and the record says why", async () => {
    const w = world(CHAIN)
    const odds = new Odds()
    const wrong = () => new TestShadow(() => sure(77))
    let last: readonly string[] = []
    for (let i = 0; i < 20; i++) last = guesses(await ahead(w, wrong(), 1, { costs: true, odds }))
    expect(last[0]).toMatch(/^a off: does not pay: \d+ % of its guesses are wrong$/)
  })

  test("a tool that is faster than its shadow", async () => {
    const odds = new Odds()
    odds.called("t", 0.1)
    odds.asked("t", 0.4, true)
    expect(odds.against("t", [])).toMatch(/^it would save 0\.1 ms and take 0\.4 ms$/)
    for (let i = 0; i < 40; i++) odds.called("t", 10)
    expect(odds.against("t", [])).toBeUndefined()
    // What may be hidden is bounded by what waits behind it.
    odds.called("behind", 0.2)
    expect(odds.against("t", ["behind"])).toMatch(/^it would save/)
  })

  test("what does not pay is tried again now and then", () => {
    const odds = new Odds()
    odds.called("t", 0.1)
    odds.asked("t", 0.4, true)
    const tried = Array.from({ length: 128 }, () => odds.against("t", [])).filter((why) => why === undefined)
    expect(tried.length).toBe(2)
  })
})
