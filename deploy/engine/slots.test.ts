/** Slots for runs, in worlds whose clock, tenants and runs come from a seed: bounds, fairness, and that everybody hears. */
import { describe, expect, test } from "bun:test"
import { KernelError } from "../../kernel/errors.ts"
import { StandingClock, seeded, settled } from "../../tests/standing.ts"
import { Overloaded, RunSlots, type SlotsOptions, Tenant } from "./slots.ts"

/** What asking comes to at once, or later. */
const asked = async (slots: RunSlots, tenant: Tenant, signal?: AbortSignal): Promise<Overloaded | undefined> => {
  try {
    await slots.enter(tenant, signal)
    return undefined
  } catch (cause) {
    if (cause instanceof Overloaded) return cause
    throw cause
  }
}

interface Request {
  readonly tenant: number
  readonly at: number
  readonly takes: number
  readonly patience: number | undefined
}
async function world(requests: readonly Request[], options: SlotsOptions) {
  const clock = new StandingClock()
  const slots = new RunSlots(clock, options)
  const tenants = [new Tenant(), new Tenant(), new Tenant()]
  const most = { running: 0, waiting: 0, tenant: 0 }
  const ends: { readonly tenant: number; readonly end: string; readonly waited: number }[] = []
  const one = async ({ tenant: t, at, takes, patience }: Request) => {
    await clock.sleep(at)
    const tenant = tenants[t]!
    const gone = new AbortController()
    if (patience !== undefined) void clock.sleep(patience).then(() => gone.abort())
    const came = clock.tick()
    const asking = asked(slots, tenant, gone.signal)
    most.waiting = Math.max(most.waiting, slots.load.waiting)
    const refused = await asking
    ends.push({ tenant: t, end: refused?.reason ?? "ran", waited: clock.tick() - came })
    if (refused !== undefined) return
    most.running = Math.max(most.running, slots.load.running)
    most.tenant = Math.max(most.tenant, tenant.running)
    await clock.sleep(takes)
    slots.leave(tenant)
  }
  let done = false
  const all = Promise.all(requests.map(one)).then(() => {
    done = true
  })
  while (!done) {
    await clock.next()
    await settled()
  }
  await all
  return { most, ends, slots, clock, tenants }
}

describe("RunSlots", () => {
  test("say whether a tenant would be let go at once", async () => {
    const slots = new RunSlots(new StandingClock(), { runsMax: 2, waitingMax: 9, tenantRunsMax: 1 })
    const [a, b, c] = [new Tenant(), new Tenant(), new Tenant()]
    expect(slots.hasRoom(a)).toBe(true)
    expect(await asked(slots, a)).toBeUndefined()
    expect([a, b].map((of) => slots.hasRoom(of))).toEqual([false, true])
    expect(await asked(slots, b)).toBeUndefined()
    expect(slots.hasRoom(c)).toBe(false)
    slots.leave(a)
    expect(slots.hasRoom(c)).toBe(true)
    slots.leave(b)
    await slots.close(10)
    expect(slots.hasRoom(c)).toBe(false)
  })

  test("never more runs, waiters or slots of one tenant than stated; everybody hears, nobody twice", async () => {
    const reasons = new Set<string>()
    for (let seed = 1; seed <= 60; seed++) {
      const chance = seeded(seed)
      const n = (below: number) => Math.floor(chance() * below)
      const options = {
        runsMax: 1 + n(4),
        waitingMax: n(6),
        waitMsMax: chance() < 0.5 ? 30 : 1000,
        tenantRunsMax: 1 + n(4),
      }
      const requests = Array.from({ length: 80 }, () => ({
        tenant: n(3),
        at: n(400),
        takes: 1 + n(40),
        patience: chance() < 0.2 ? n(30) : undefined,
      }))
      const { most, ends, slots, tenants } = await world(requests, options)
      expect(most.running).toBeLessThanOrEqual(options.runsMax)
      expect(most.tenant).toBeLessThanOrEqual(options.tenantRunsMax)
      expect(most.waiting).toBeLessThanOrEqual(options.waitingMax)
      expect(ends).toHaveLength(requests.length)
      expect(slots.load).toEqual({ running: 0, waiting: 0 })
      for (const tenant of tenants) expect([tenant.running, tenant.waiting.size]).toEqual([0, 0])
      for (const { end, waited } of ends) {
        reasons.add(end)
        if (end === "ran" || end === "late") expect(waited).toBeLessThanOrEqual(options.waitMsMax)
        if (end === "full") expect(waited).toBeLessThanOrEqual(options.waitMsMax)
      }
    }
    expect([...reasons].sort()).toEqual(["cancelled", "full", "late", "ran"])
  })

  test("a tenant that floods the host does not keep another from running", async () => {
    const flood = Array.from({ length: 300 }, (_, i) => ({ tenant: 0, at: i, takes: 20, patience: undefined }))
    const trickle = Array.from({ length: 12 }, (_, i) => ({
      tenant: 1,
      at: 5 + i * 25,
      takes: 20,
      patience: undefined,
    }))
    const { ends } = await world([...flood, ...trickle], { runsMax: 4, waitingMax: 8, waitMsMax: 1000 })
    const of = (t: number) => ends.filter((e) => e.tenant === t)
    expect(of(1).map((e) => e.end)).toEqual(Array(12).fill("ran"))
    // One slot becomes free every 5 ms, and the next is the tenant's that has the fewest.
    expect(Math.max(...of(1).map((e) => e.waited))).toBeLessThanOrEqual(20)
    expect(of(0).filter((e) => e.end === "full").length).toBeGreaterThan(100)
  })

  test("keeps slots free for others, where a tenant may not have all", async () => {
    const slots = new RunSlots(new StandingClock(), { runsMax: 4, waitingMax: 4, tenantRunsMax: 3 })
    const [greedy, other] = [new Tenant(), new Tenant()]
    for (let i = 0; i < 3; i++) expect(slots.enter(greedy)).toBeUndefined()
    const waits = asked(slots, greedy)
    expect(slots.load).toEqual({ running: 3, waiting: 1 })
    expect(slots.enter(other)).toBeUndefined()
    slots.leave(greedy)
    expect(await waits).toBeUndefined()
    expect([greedy.running, other.running]).toEqual([3, 1])
  })

  test("a full queue makes room by the last who came of the tenant that waits most", async () => {
    const slots = new RunSlots(new StandingClock(), { runsMax: 1, waitingMax: 3 })
    const [a, b] = [new Tenant(), new Tenant()]
    slots.enter(a)
    const waiting = [asked(slots, a), asked(slots, a), asked(slots, a)]
    expect(() => slots.enter(a)).toThrow("1 of at most 1 runs go on, and 3 of at most 3 wait")
    const came = asked(slots, b)
    expect((await waiting[2])?.reason).toBe("full")
    // With two of the one and one of the other, nobody makes room for a second.
    expect(() => slots.enter(b)).toThrow(Overloaded)
    slots.leave(a)
    expect(await waiting[0]).toBeUndefined()
    slots.leave(a)
    expect(await came).toBeUndefined()
    slots.leave(b)
    expect(await waiting[1]).toBeUndefined()
  })

  test("tenants that have equally many take turns", async () => {
    const slots = new RunSlots(new StandingClock(), { runsMax: 1, waitingMax: 9 })
    const [a, b, c] = [new Tenant(), new Tenant(), new Tenant()]
    slots.enter(a)
    const order: string[] = []
    for (const [name, tenant] of [
      ["a", a],
      ["a", a],
      ["b", b],
      ["b", b],
      ["c", c],
    ] as const) {
      void asked(slots, tenant).then(() => {
        order.push(name)
        slots.leave(tenant)
      })
    }
    slots.leave(a)
    for (let i = 0; i < 10; i++) await settled()
    expect(order).toEqual(["a", "b", "c", "a", "b"])
  })

  test("the next slot is the tenant's that has the fewest, also where another asked first", async () => {
    const slots = new RunSlots(new StandingClock(), { runsMax: 2, waitingMax: 9 })
    const [a, b] = [new Tenant(), new Tenant()]
    slots.enter(b)
    slots.enter(b)
    const order: string[] = []
    void asked(slots, b).then(() => order.push("b"))
    void asked(slots, a).then(() => order.push("a"))
    slots.leave(b)
    await settled()
    expect(order).toEqual(["a"])
  })

  test("sheds at once where nobody may wait, and says when to try again", () => {
    const slots = new RunSlots(new StandingClock(), { runsMax: 2, tenantRunsMax: 1 })
    const tenant = new Tenant()
    slots.enter(tenant)
    try {
      slots.enter(tenant)
      throw new RangeError("it was let in")
    } catch (cause) {
      expect(cause).toBeInstanceOf(Overloaded)
      expect(cause).toMatchObject({ reason: "full", retryMs: 1000 })
      expect((cause as Overloaded).message).toBe(
        "Cannot begin the run: 1 of at most 2 runs go on, 1 of one tenant, and 0 of at most 0 wait",
      )
    }
    expect(slots.shed).toEqual({ full: 1, late: 0, closing: 0, cancelled: 0 })
  })

  test("closing sheds who waits, lets who runs end, and waits for that no longer than it may", async () => {
    const clock = new StandingClock()
    const slots = new RunSlots(clock, { runsMax: 1, waitingMax: 2 })
    const tenant = new Tenant()
    slots.enter(tenant)
    const waits = asked(slots, tenant)
    let closed = false
    const closing = slots.close(50).then(() => {
      closed = true
    })
    expect((await waits)?.reason).toBe("closing")
    expect((await asked(slots, tenant))?.reason).toBe("closing")
    await settled()
    expect(closed).toBe(false)
    slots.leave(tenant)
    await closing
    // Neither who waited nor the grace leaves a timer behind.
    expect(clock.asleep).toBe(0)

    const slow = new RunSlots(clock, {})
    slow.enter(tenant)
    const gave = slow.close(50)
    await clock.next()
    await gave
    await new RunSlots(clock, {}).close(50)
    expect(clock.asleep).toBe(0)
  })

  test("who has gone before asking never waits", () => {
    const slots = new RunSlots(new StandingClock(), { runsMax: 1, waitingMax: 1 })
    slots.enter(new Tenant())
    expect(() => slots.enter(new Tenant(), AbortSignal.abort())).toThrow(/has gone/)
    expect(slots.load.waiting).toBe(0)
  })

  test("a bound that is none is refused, and so is leaving twice", () => {
    const clock = new StandingClock()
    for (const bad of [
      { runsMax: 0 },
      { runsMax: 1.5 },
      { waitingMax: -1 },
      { waitMsMax: Number.NaN },
      { tenantRunsMax: 0 },
    ]) {
      expect(() => new RunSlots(clock, bad)).toThrow(KernelError)
      expect(() => new RunSlots(clock, bad)).toThrow(Object.keys(bad)[0]!)
    }
    const slots = new RunSlots(clock)
    const tenant = new Tenant()
    slots.enter(tenant)
    slots.leave(tenant)
    expect(() => slots.leave(tenant)).toThrow(/no run of this tenant/)
  })
})

describe("to the letter", () => {
  test("a wait may have no time, or no end; a bound of none is none", async () => {
    const clock = new StandingClock()
    const at = (options: SlotsOptions) => new RunSlots(clock, { runsMax: 1, waitingMax: 9, ...options })
    expect(() => at({ waitMsMax: 0, waitingMax: 0 })).not.toThrow()
    for (const odd of [{ runsMax: 0 }, { tenantRunsMax: 0 }, { waitMsMax: -1 }])
      expect(() => at(odd)).toThrow(KernelError)
    const slots = at({ waitMsMax: Number.POSITIVE_INFINITY })
    const tenant = new Tenant()
    slots.enter(tenant)
    void asked(slots, tenant)
    // A timer of the host's that is asked to sleep without end wakes at once.
    expect([slots.load, clock.asleep]).toEqual([{ running: 1, waiting: 1 }, 0])
    slots.leave(tenant)
    expect(slots.load).toEqual({ running: 1, waiting: 0 })
  })

  test("whoever is let in sleeps no longer, and is not to be called away any more", async () => {
    const clock = new StandingClock()
    const slots = new RunSlots(clock, { runsMax: 1, waitingMax: 9, waitMsMax: 1_000 })
    const tenant = new Tenant()
    const away = new AbortController()
    slots.enter(tenant)
    const later = asked(slots, tenant, away.signal)
    expect(clock.asleep).toBe(1)
    slots.leave(tenant)
    expect(await later).toBeUndefined()
    expect(clock.asleep).toBe(0)
    away.abort()
    expect(slots.load).toEqual({ running: 1, waiting: 0 })
  })

  test("a host that stops is drained by the last run alone", async () => {
    const clock = new StandingClock()
    const slots = new RunSlots(clock, { runsMax: 2 })
    const tenant = new Tenant()
    slots.enter(tenant)
    slots.enter(tenant)
    let drained = false
    void slots.close(1_000).then(() => {
      drained = true
    })
    slots.leave(tenant)
    await settled()
    expect(drained).toBe(false)
    slots.leave(tenant)
    await settled()
    expect(drained).toBe(true)
  })

  test("room is made by the tenant that waits most, by one more than the one before", async () => {
    const clock = new StandingClock()
    const slots = new RunSlots(clock, { runsMax: 1, waitingMax: 5 })
    const [running, few, many, newcomer] = [1, 2, 3, 4].map(() => new Tenant()) as [Tenant, Tenant, Tenant, Tenant]
    slots.enter(running)
    for (const tenant of [few, few, many, many, many]) void asked(slots, tenant)
    void asked(slots, newcomer)
    await settled()
    expect([few, many, newcomer].map((t) => t.waiting.size)).toEqual([2, 2, 1])
    // Nobody waits by two more than whoever comes now: it is the newcomer that is told so.
    expect((await asked(slots, few))?.reason).toBe("full")
  })
})
