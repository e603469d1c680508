/** Budgets: what is counted, when a run is stopped and by what words, windows of time, and clocks that are wrong. */
import { describe, expect, test } from "bun:test"
import { Failure } from "../graph/mod.ts"
import {
  Allowance,
  AMOUNTS,
  type Amount,
  amountsOf,
  atLeast,
  type Budget,
  Charge,
  Meter,
  type MeterOptions,
  printAmount,
} from "./budget.ts"
import { KernelError } from "./errors.ts"

/** A steady clock that a test sets. */
function steady(at = 0) {
  const clock = { at, tick: (): number => clock.at }
  return clock
}
const stop = (act: () => void): Failure => {
  try {
    act()
  } catch (cause) {
    if (cause instanceof Failure) return cause
    throw cause
  }
  throw new RangeError("nothing was stopped")
}
const PRICES = { currency: "EUR", models: { small: { in: 150_000, out: 600_000 } } }
/** A small generator of its own (Numerical Recipes), so that the test repeats. */
function seeded(seed: number): (below: number) => number {
  let x = seed >>> 0
  return (below) => {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    return Math.floor((x / 4294967296) * below)
  }
}

describe("a run's budget", () => {
  test("of calls lets exactly so many begin", () => {
    const meter = new Meter(steady(), { budget: { calls: 3 } })
    for (let i = 0; i < 3; i++) meter.begin(["a", i])
    const failure = stop(() => meter.begin(["a", 3]))
    expect(failure).toMatchObject({ code: "Budget", path: ["a", 3], data: { of: "run", budget: "calls", limit: 3 } })
    expect(failure.message).toBe(
      "Cannot go on: the run's budget of 3 calls is used up, spent 3 calls; resume it with a larger one",
    )
    expect(meter.spent.calls).toBe(3)
    // A further request of a call that has begun is no call more.
    const one = new Meter(steady(), { budget: { calls: 1 } })
    one.begin(["a"])
    expect(() => one.further(["a"])).not.toThrow()
  })

  test("ends once: whoever asks again hears the same failure", () => {
    const meter = new Meter(steady(), { budget: { calls: 0 } })
    const first = stop(() => meter.begin(["a"]))
    expect(stop(() => meter.begin(["b"]))).toBe(first)
    expect(stop(() => meter.further(["b"]))).toBe(first)
    expect(meter.expire(["b"])).toBe(first)
    expect(meter.stopped).toBe(first)
  })

  test("of bytes, tokens and money is looked at before a request, and never after one", () => {
    for (const [budget, cost] of [
      [{ bytes: 100 }, { bytes: 100 }],
      [{ tokens: 100 }, { tokensIn: 60, tokensOut: 40 }],
      [{ money: 100 }, { money: 100 }],
    ] as const) {
      const meter = new Meter(steady(), { budget })
      const charge = new Charge()
      meter.begin(["a"])
      meter.count(cost, charge)
      expect(meter.stopped).toBeUndefined()
      expect(stop(() => meter.further(["a"])).data).toMatchObject({ budget: Object.keys(budget)[0]!, limit: 100 })
    }
  })

  test("one short of its limit goes on", () => {
    for (const [budget, cost] of [
      [{ bytes: 100 }, { bytes: 99 }],
      [{ tokens: 100 }, { tokensOut: 99 }],
      [{ money: 100 }, { money: 99 }],
    ] as const) {
      const meter = new Meter(steady(), { budget })
      meter.count(cost, new Charge())
      expect(() => meter.begin(["a"])).not.toThrow()
    }
  })

  test("of time counts what passed between two looks at a steady clock", () => {
    const clock = steady(1000)
    const meter = new Meter(clock, { budget: { wallMs: 50 } })
    clock.at = 1049
    meter.begin(["a"])
    expect(meter.leftMs).toBe(1)
    clock.at = 1050
    expect(stop(() => meter.begin(["b"])).message).toContain("budget of 50 ms is used up, spent 50 ms")
    expect(meter.leftMs).toBe(0)
    // Whoever asks what was spent looks at the clock as well, and so does an entry.
    const other = new Meter(clock, { budget: { wallMs: 50 } })
    clock.at = 1060
    expect(other.spent.wallMs).toBe(10)
    clock.at = 1070
    expect(other.entry(new Charge(), 1)).toEqual([1, 0, 0, 0, 20])
    clock.at = 1075
    expect(other.leftMs).toBe(25)
  })

  test("a clock that goes backwards neither gives time back nor stops a run", () => {
    const clock = steady(1000)
    const meter = new Meter(clock, { budget: { wallMs: 100 } })
    const seen: number[] = []
    for (const at of [1040, 3, 20, Number.NaN, Number.POSITIVE_INFINITY, 25, 25]) {
      clock.at = at
      meter.begin(["a"])
      seen.push(meter.spent.wallMs)
    }
    expect(seen).toEqual([40, 40, 57, 57, 57, 62, 62])
    clock.at = 63
    expect(stop(() => meter.begin(["b"])).data).toMatchObject({ budget: "wallMs" })
  })

  test("goes on from what was spent before", () => {
    const before = { calls: 2, bytes: 0, tokens: 0, money: 0, wallMs: 90 }
    const meter = new Meter(steady(), { budget: { calls: 3, wallMs: 100 }, before })
    expect(meter.leftMs).toBe(10)
    meter.begin(["a"])
    expect(stop(() => meter.begin(["b"])).data).toMatchObject({ budget: "calls" })
    expect(meter.spent).toEqual({ calls: 3, bytes: 0, tokens: 0, money: 0, wallMs: 90 })
  })

  test("without one, everything is counted and nothing stopped", () => {
    const clock = steady()
    const meter = new Meter(clock, { prices: PRICES })
    const charge = new Charge()
    meter.begin(["a"])
    meter.count({ model: "small", tokensIn: 1, tokensOut: 1 }, charge)
    clock.at = 1e9
    meter.begin(["a"])
    expect(meter.spent).toEqual({ calls: 2, bytes: 0, tokens: 2, money: 1, wallMs: 1e9 })
    expect(meter.leftMs).toBe(Number.POSITIVE_INFINITY)
    expect(meter.entry(charge, 2)).toEqual([2, 0, 2, 1, 1e9])
  })
})

describe("what a call spent", () => {
  test("costs what its model's price says, rounded up to a millionth", () => {
    const meter = new Meter(steady(), { prices: PRICES })
    const charge = new Charge()
    meter.count({ model: "small", tokensIn: 1000, tokensOut: 500 }, charge)
    expect(charge.money).toBe(450)
    meter.count({ model: "small", tokensIn: 1 }, charge)
    expect(charge.money).toBe(451)
    expect(charge.tokens).toBe(1501)
  })

  test("costs what the tool says, where it says something", () => {
    const charge = new Charge()
    new Meter(steady(), { prices: PRICES }).count({ model: "small", tokensIn: 1_000_000, money: 7 }, charge)
    expect(charge.money).toBe(7)
  })

  test("by a model without a price ends a run whose money is bounded, at its next request", () => {
    for (const model of ["large", "__proto__", undefined]) {
      const meter = new Meter(steady(), { budget: { money: 1_000_000 }, prices: PRICES })
      meter.count({ ...(model ? { model } : {}), tokensOut: 1 }, new Charge())
      const failure = stop(() => meter.begin(["a"]))
      expect(failure.data).toEqual({ of: "run", budget: "money", model: model ?? "without a name" })
      expect(failure.message).toContain('state it under "prices"')
    }
    const free = new Meter(steady(), { budget: { calls: 10 } })
    free.count({ model: "large", tokensOut: 1 }, new Charge())
    expect(() => free.begin(["a"])).not.toThrow()
    expect(free.spent.money).toBe(0)
    const tenant = new Allowance({ money: 10 }, 1000, steady())
    const shared = new Meter(steady(), { tenant })
    shared.count({ model: "large", tokensOut: 1 }, new Charge())
    expect(() => shared.begin(["a"])).toThrow(/no price/)
  })

  test("is measured where the tool does not count bytes, and never twice", () => {
    const meter = new Meter(steady())
    const told = new Charge()
    meter.count({ bytes: 10 }, told)
    meter.measure(told, 1000)
    expect(told.bytes).toBe(10)
    const untold = new Charge()
    meter.count({ tokensIn: 3 }, untold)
    meter.measure(untold, 5)
    meter.measure(untold, 6)
    expect(untold.bytes).toBe(11)
    expect(meter.spent.bytes).toBe(21)
    // An answer, as its entry is made.
    expect(meter.entry(untold, 2, 4)).toEqual([2, 15, 3, 0, 0])
    expect(meter.entry(told, 1, 4)).toEqual([1, 10, 0, 0, 0])
  })

  test("that is no amount is refused, and nothing of it counted", () => {
    const meter = new Meter(steady())
    for (const cost of [{ money: -5 }, { bytes: 0.5 }, { tokensIn: Number.NaN }, { tokensOut: 2 ** 53 }]) {
      const failure = stop(() => meter.count(cost, new Charge()))
      expect(failure.code).toBe("BadCost")
      expect(failure.message).toContain(`${Object.keys(cost)[0]} must be a whole number from 0, found`)
    }
    expect(meter.spent).toMatchObject({ bytes: 0, tokens: 0, money: 0 })
  })

  test("adds up over the entries of a run; its time is the latest", () => {
    expect(amountsOf([[1, 10, 3, 4, 100], null, [2, 5, 0, 1, 250], [1, 0, 0, 0, 240]])).toEqual({
      calls: 4,
      bytes: 15,
      tokens: 3,
      money: 5,
      wallMs: 250,
    })
  })

  test("is at least what the run said when it stopped", () => {
    const one = { calls: 4, bytes: 15, tokens: 3, money: 5, wallMs: 250 }
    expect(atLeast(one, { calls: 5, bytes: 1, tokens: 3, money: 9, wallMs: 0 })).toEqual({
      calls: 5,
      bytes: 15,
      tokens: 3,
      money: 9,
      wallMs: 250,
    })
    expect(atLeast(one, undefined)).toEqual(one)
  })

  test("is printed with its unit", () => {
    expect(AMOUNTS.map((a) => printAmount(a, 1_500_000, "EUR"))).toEqual([
      "1500000 calls",
      "1500000 bytes",
      "1500000 tokens",
      "1.500000 EUR",
      "1500000 ms",
    ])
  })
})

describe("a tenant's budget", () => {
  test("bounds all of its runs together, and says when there is more", () => {
    const clock = steady()
    const tenant = new Allowance({ calls: 2 }, 60_000, clock)
    const [one, two] = [new Meter(clock, { tenant }), new Meter(clock, { tenant, budget: { calls: 100 } })]
    one.begin(["a"])
    two.begin(["a"])
    const failure = stop(() => one.begin(["b"]))
    expect(failure).toMatchObject({ code: "Budget", data: { of: "tenant", budget: "calls", limit: 2 } })
    expect(failure.message).toBe(
      "Cannot go on: the tenant's budget of 2 calls in 60000 ms is used up, spent 2 calls; try again in 61000 ms or later",
    )
    clock.at = 62_000
    expect(() => new Meter(clock, { tenant }).begin(["a"])).not.toThrow()
  })

  test("says when enough of it is forgotten, not when it next looks", () => {
    const clock = steady()
    const start = clock.at
    const tenant = new Allowance({ bytes: 10 }, 60_000, clock)
    const [calls, bytes] = [AMOUNTS.indexOf("calls"), AMOUNTS.indexOf("bytes")]
    tenant.add(bytes, 8)
    clock.at = start + 20_000
    tenant.add(bytes, 2)
    tenant.add(calls, 1)
    expect(tenant.againMs(bytes, 10)).toBe(41_000)
    // With the first eight gone there is room for one more in ten, and none in two.
    expect(tenant.againMs(bytes, 2)).toBe(61_000)
    // One more fills three to the last.
    expect(tenant.againMs(bytes, 3)).toBe(41_000)
    clock.at = start + 20_000 + tenant.againMs(bytes, 10) - 1
    expect(tenant.used(bytes)).toBe(10)
    clock.at += 1
    expect([tenant.used(bytes), tenant.againMs(bytes, 10) <= 1_000]).toEqual([2, true])
  })

  test("of time counts what all of its runs take", () => {
    const clock = steady()
    const tenant = new Allowance({ wallMs: 100 }, 60_000, clock)
    const [one, two] = [new Meter(clock, { tenant }), new Meter(clock, { tenant })]
    clock.at = 60
    one.begin(["a"])
    expect(stop(() => two.begin(["a"])).data).toMatchObject({ of: "tenant", budget: "wallMs", limit: 100 })
  })

  test("holds in any window, whenever it is looked at, and lets go of everything in the end", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const next = seeded(seed)
      const clock = steady()
      const [limit, windowMs] = [50, 6000]
      const tenant = new Allowance({ tokens: limit }, windowMs, clock)
      const spent: { at: number; n: number }[] = []
      for (let i = 0; i < 2000; i++) {
        clock.at += next(40)
        if (tenant.used(2) + 1 > limit) continue
        const n = 1
        tenant.add(2, n)
        spent.push({ at: clock.at, n })
      }
      for (const { at } of spent) {
        const within = spent.filter((s) => s.at >= at && s.at < at + windowMs).reduce((sum, s) => sum + s.n, 0)
        expect(within).toBeLessThanOrEqual(limit)
      }
      // It is no tighter than one part of the window: so much is let through in the long run.
      expect(spent.length).toBeGreaterThan((clock.at / (windowMs * (62 / 60)) - 1) * limit)
      clock.at += windowMs * 2
      expect(tenant.used(2)).toBe(0)
    }
  })

  test("counts what is spent in the part of the window in which it is spent", () => {
    const clock = steady()
    const tenant = new Allowance({ calls: 9 }, 6000, clock)
    clock.at = 5950
    tenant.add(0, 1)
    clock.at = 6200
    expect(tenant.used(0)).toBe(1)
    clock.at = 5950 + 6200
    expect(tenant.used(0)).toBe(0)
  })

  test("is not given back by a clock that goes backwards", () => {
    const clock = steady(100_000)
    const tenant = new Allowance({ calls: 1 }, 1000, clock)
    tenant.add(0, 1)
    for (const at of [0, 500, 900]) {
      clock.at = at
      expect(tenant.used(0)).toBe(1)
    }
    clock.at = 1100
    expect(tenant.used(0)).toBe(0)
  })
})

describe("a caller's budget", () => {
  test("holds beside the tenant's: whichever is used up first ends the run", () => {
    const clock = steady()
    const tenant = new Allowance({ calls: 3 }, 60_000, clock)
    const caller = new Allowance({ calls: 2 }, 60_000, clock)
    const own = new Meter(clock, { tenant, caller })
    own.begin(["a"])
    own.begin(["b"])
    expect(stop(() => own.begin(["c"]))).toMatchObject({ data: { of: "caller", budget: "calls", limit: 2 } })
    expect([tenant.used(0), caller.used(0)]).toEqual([2, 2])
    new Meter(clock, { tenant }).begin(["a"])
    const other = new Meter(clock, { tenant, caller: new Allowance({ calls: 9 }, 60_000, clock) })
    expect(stop(() => other.begin(["a"])).data).toMatchObject({ of: "tenant", limit: 3 })
  })

  test("is not due by itself: the clock asks on nobody's behalf, as it does for a tenant", () => {
    const clock = steady()
    const none = new Allowance({ calls: 0 }, 60_000, clock)
    const stopped = (options: MeterOptions) => {
      const meter = new Meter(clock, options)
      stop(() => meter.begin(["a"]))
      return meter.rest(5)?.until
    }
    expect(stopped({ caller: none })).toBeNull()
    expect(stopped({ tenant: none })).toBe(1005)
    expect(stopped({ budget: { calls: 0 }, caller: none })).toBeNull()
  })

  test("of money wants to know what a model costs", () => {
    const meter = new Meter(steady(), { caller: new Allowance({ money: 10 }, 1000, steady()) })
    meter.begin(["a"])
    meter.count({ model: "m", tokensIn: 1, tokensOut: 0 }, new Charge())
    expect(stop(() => meter.begin(["b"]))).toMatchObject({ data: { budget: "money", model: "m" } })
  })
})

describe("a budget that is none", () => {
  const refused = (act: () => unknown, words: RegExp) => {
    expect(act).toThrow(KernelError)
    expect(act).toThrow(words)
  }
  test("is refused with what is wrong", () => {
    for (const amount of AMOUNTS) {
      const bad = (n: number): Budget => ({ [amount]: n })
      for (const n of [-1, 0.5, Number.NaN, Number.POSITIVE_INFINITY]) {
        refused(() => new Meter(steady(), { budget: bad(n) }), /the budget of a run: .* whole number from 0, found/)
        refused(() => new Allowance(bad(n), 1000, steady()), /the budget of a tenant/)
      }
    }
    refused(() => new Meter(steady(), { budget: { coins: 3 } as { [K in Amount]?: number } }), /no "coins"/)
    for (const windowMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY])
      refused(() => new Allowance({ calls: 1 }, windowMs, steady()), /window must be above 0 ms/)
  })
})

describe("room for what a run may turn out not to need", () => {
  const used = (calls: number, options: MeterOptions): boolean => {
    const meter = new Meter(steady(), options)
    for (let i = 0; i < calls; i++) meter.beyond()
    return meter.room
  }
  test("is there while less than half of every budget is used: the run's, its tenant's and its caller's", () => {
    const share = () => new Allowance({ calls: 4 }, 1_000, steady())
    for (const options of [{ budget: { calls: 4 } }, { tenant: share() }, { caller: share() }] as MeterOptions[])
      expect(used(1, options)).toBe(true)
    for (const options of [
      { budget: { calls: 4 } },
      { tenant: share() },
      { caller: share() },
      { budget: { calls: 9 }, tenant: share(), caller: new Allowance({ calls: 9 }, 1_000, steady()) },
      { budget: { calls: 9 }, tenant: new Allowance({ calls: 9 }, 1_000, steady()), caller: share() },
    ] as MeterOptions[])
      expect(used(2, options)).toBe(false)
    expect(used(1_000, {})).toBe(true)
    expect(used(1_000, { budget: { bytes: 1 } })).toBe(true)
    // Time passes by itself.
    const clock = steady()
    const meter = new Meter(clock, { budget: { wallMs: 100 } })
    clock.at = 49
    expect(meter.room).toBe(true)
    clock.at = 50
    expect(meter.room).toBe(false)
  })

  test("is not there once the run is stopped, or would be at its next request", () => {
    const stopped = new Meter(steady(), { budget: { calls: 1 } })
    stopped.expire(["a"])
    expect(stopped.room).toBe(false)
    const unpriced = new Meter(steady(), { budget: { money: 1_000 } })
    unpriced.count({ model: "unheard", tokensIn: 1 }, new Charge())
    expect(unpriced.room).toBe(false)
  })
})

test("what a run rests for is there once it is stopped, and is due by itself only where its tenant's window turns", () => {
  const run = new Meter(steady(), { budget: { calls: 0 } })
  expect(run.rest(5)).toBeUndefined()
  stop(() => run.begin(["a"]))
  expect(run.rest(5)).toMatchObject({ path: ["a"], why: "budget", until: null })
  const tenant = new Allowance({ calls: 0 }, 60_000, steady())
  const of = new Meter(steady(), { tenant })
  stop(() => of.begin(["a"]))
  expect(of.rest(5)).toMatchObject({ why: "budget", until: 1_005 })
})
