/** Bounds per resource, in worlds whose clock and whose calls come from a seed. */
import { describe, expect, test } from "bun:test"
import { type Clock, type Limit, T } from "../graph/mod.ts"
import { StandingClock, seeded } from "../tests/standing.ts"
import { ResourceLimits } from "./limits.ts"

/** Runs `calls` calls of seeded lengths and arrivals; gives what happened. */
async function world(seed: number, limit: Limit, calls: number, abortShare = 0) {
  const clock = new StandingClock()
  const chance = seeded(seed)
  const limits = new ResourceLimits(clock)
  limits.declare("host:x", limit)
  const starts: { readonly i: number; readonly at: number }[] = []
  const aborted: number[] = []
  let running = 0
  let most = 0
  const call = async (i: number, arrives: number, takes: number, patience: number) => {
    await clock.sleep(arrives)
    const abort = new AbortController()
    if (patience >= 0) void clock.sleep(patience).then(() => abort.abort())
    try {
      await limits.enter("host:x", abort.signal)
    } catch (cause) {
      aborted.push(i)
      expect(cause).toMatchObject({ code: "Cancelled", undelivered: true })
      return
    }
    running++
    most = Math.max(most, running)
    starts.push({ i, at: clock.tick() })
    await clock.sleep(takes)
    running--
    limits.leave("host:x")
  }
  let at = 0
  const all = Array.from({ length: calls }, (_, i) => {
    at += Math.floor(chance() * 40)
    return call(i, at, Math.floor(chance() * 120), chance() < abortShare ? Math.floor(chance() * 300) : -1)
  })
  for (let steps = 0; clock.asleep > 0; steps++) {
    expect(steps).toBeLessThan(calls * 60)
    await clock.next()
  }
  await Promise.all(all)
  return { starts, aborted, most, left: limits.load("host:x") }
}

const LIMITS: readonly Limit[] = [
  { concurrent: 1 },
  { concurrent: 3 },
  { perSecond: 7 },
  { perSecond: 2.5 },
  { perSecond: 0.5 },
  { concurrent: 2, perSecond: 20 },
]

describe("ResourceLimits", () => {
  test("never more in flight nor more starts in a window than stated; everybody is served, in order", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      for (const limit of LIMITS) {
        const { starts, aborted, most, left } = await world(seed, limit, 40)
        expect(most).toBeLessThanOrEqual(limit.concurrent ?? Number.POSITIVE_INFINITY)
        if (limit.perSecond !== undefined) {
          const n = Math.max(1, Math.floor(limit.perSecond))
          const windowMs = (n / limit.perSecond) * 1000
          for (let i = n; i < starts.length; i++) {
            expect(starts[i]!.at - starts[i - n]!.at).toBeGreaterThanOrEqual(windowMs - 1e-6)
          }
        }
        expect(starts.map((s) => s.i)).toEqual(Array.from({ length: 40 }, (_, i) => i))
        expect({ aborted, left }).toEqual({ aborted: [], left: { running: 0, waiting: 0 } })
      }
    }
  })

  test("who gives up while waiting leaves the queue and takes nobody's turn", async () => {
    let gaveUp = 0
    for (let seed = 1; seed <= 12; seed++) {
      for (const limit of LIMITS) {
        const { starts, aborted, left } = await world(seed, limit, 40, 0.4)
        expect([...starts.map((s) => s.i), ...aborted].sort((a, b) => a - b)).toEqual(
          Array.from({ length: 40 }, (_, i) => i),
        )
        expect(starts.map((s) => s.i)).toEqual(starts.map((s) => s.i).sort((a, b) => a - b))
        expect(left).toEqual({ running: 0, waiting: 0 })
        gaveUp += aborted.length
      }
    }
    expect(gaveUp).toBeGreaterThan(100)
  })

  test("no promise where a call may start at once, and none for a resource without a bound", () => {
    const limits = new ResourceLimits(new StandingClock())
    limits.declare("a", { concurrent: 2, perSecond: 10 })
    expect(limits.enter("a")).toBeUndefined()
    expect(limits.enter("b")).toBeUndefined()
    limits.leave("a")
    limits.leave("b")
    expect(() => limits.leave("a")).toThrow("no call is in flight")
  })

  test("the queue has a bound: the next one is refused, certainly undelivered", async () => {
    const limits = new ResourceLimits(new StandingClock(), { queueMax: 2 })
    limits.declare("a", { concurrent: 1 })
    limits.enter("a")
    const waiting = [limits.enter("a"), limits.enter("a")]
    const refused = await limits.enter("a")?.catch((cause: unknown) => cause)
    expect(refused).toMatchObject({ code: "Busy", retryable: true, undelivered: true })
    limits.leave("a")
    await waiting[0]
    expect(limits.load("a")).toEqual({ running: 1, waiting: 1 })
  })

  test("an aborted caller never waits, and is never let in later", async () => {
    const limits = new ResourceLimits(new StandingClock())
    limits.declare("a", { concurrent: 1 })
    limits.enter("a")
    await expect(limits.enter("a", AbortSignal.abort())!).rejects.toMatchObject({ code: "Cancelled" })
    limits.leave("a")
    expect(limits.load("a")).toEqual({ running: 0, waiting: 0 })
  })

  test("sleep once for all that wait for time, not at all for a call to end, and no longer than anybody waits", async () => {
    const slept: { readonly ms: number; readonly signal: AbortSignal | undefined }[] = []
    const clock: Clock = {
      now: () => 0,
      tick: () => 0,
      sleep: (ms, signal) => {
        slept.push({ ms, signal })
        return new Promise(() => {})
      },
    }
    const limits = new ResourceLimits(clock)
    limits.declare("one", { concurrent: 1 })
    limits.declare("often", { perSecond: 1 })
    for (const resource of ["one", "often"]) limits.enter(resource)
    const [a, b] = [new AbortController(), new AbortController()]
    const waiting = [limits.enter("one", a.signal), limits.enter("often", a.signal), limits.enter("often", b.signal)]
    expect(slept.map(({ ms }) => ms)).toEqual([1_000])
    const gone = Promise.allSettled(waiting)
    a.abort()
    expect(slept[0]!.signal!.aborted).toBe(false)
    b.abort()
    expect(slept[0]!.signal!.aborted).toBe(true)
    expect((await gone).map(({ status }) => status)).toEqual(["rejected", "rejected", "rejected"])
  })

  test("stated twice, the tightest holds, also for calls that went before", async () => {
    const clock = new StandingClock()
    const limits = new ResourceLimits(clock)
    limits.declare("a", { perSecond: 100 })
    for (let i = 0; i < 5; i++) expect(limits.enter("a")).toBeUndefined()
    limits.declare("a", { perSecond: 5, concurrent: 9 })
    limits.declare("a", { perSecond: 50, concurrent: 90 })
    const late = limits.enter("a")
    expect(late).toBeInstanceOf(Promise)
    await clock.next()
    await late
    expect(clock.tick()).toBe(1_000)
  })

  test("come from registrations and from `limits:` of the graph; the tighter one of each counts", () => {
    const limits = new ResourceLimits(new StandingClock())
    const signature = { effect: "read", needs: [], output: T.null } as const
    const stated = { limits: { a: { concurrent: 3 }, c: { concurrent: 1 }, d: { concurrent: "none" } } }
    for (const own of [
      { resource: "a", limits: { concurrent: 1 } },
      { resource: "b" },
      { resource: "c", limits: { concurrent: 2 } },
      { resource: "d" },
      { resource: null, limits: { concurrent: 1 } },
    ])
      limits.declareFor({ ...signature, ...own }, stated)
    for (const resource of ["a", "b", "b", "c", "d", "d", null as never, null as never])
      expect(limits.enter(resource)).toBeUndefined()
    for (const resource of ["a", "c"]) expect(limits.enter(resource)).toBeInstanceOf(Promise)
    expect(limits.load("a")).toEqual({ running: 1, waiting: 1 })
  })

  test("who is under way goes before who is not: for a place that it gave back, and to send once more", async () => {
    const clock = new StandingClock()
    const limits = new ResourceLimits(clock)
    const told: string[] = []
    const tells = (who: string, when: undefined | Promise<void>) =>
      (when ?? Promise.resolve()).then(() => told.push(`${who} ${clock.tick()}`))
    limits.declare("one", { concurrent: 1, perSecond: 1 })
    expect(limits.enter("one")).toBeUndefined()
    const all = [tells("new", limits.enter("one")), tells("send", limits.again("one", "send"))]
    await clock.next()
    await all[1]
    // It does something else; another has its place meanwhile, and gives it back.
    limits.leave("one")
    await clock.next()
    await all[0]
    all.push(tells("newest", limits.enter("one")), tells("back", limits.again("one", "place")))
    limits.leave("one")
    await all[3]
    limits.leave("one")
    await clock.next()
    await all[2]
    expect(told).toEqual(["send 1000", "new 2000", "back 2000", "newest 3000"])
    expect(limits.again("free", "place")).toBeUndefined()
    const stopped = new AbortController()
    const gone = limits.again("one", "place", stopped.signal)
    stopped.abort()
    await expect(gone).rejects.toMatchObject({ code: "Cancelled" })
    limits.leave("one")
    expect(limits.load("one")).toEqual({ running: 0, waiting: 0 })
  })

  test("a place that is taken again is no call that begins; whoever may go by then goes, all at once", async () => {
    const clock = new StandingClock()
    const limits = new ResourceLimits(clock)
    limits.declare("one", { perSecond: 1 })
    limits.declare("two", { perSecond: 2 })
    expect(limits.enter("one")).toBeUndefined()
    await Promise.all([clock.sleep(600), clock.next()])
    limits.leave("one")
    expect(limits.again("one", "place")).toBeUndefined()
    expect(limits.load("one").running).toBe(1)
    for (let i = 0; i < 2; i++) expect(limits.enter("two")).toBeUndefined()
    await Promise.all([clock.sleep(400), clock.next()])
    expect(limits.enter("one")).toBeUndefined()
    let gone = 0
    for (let i = 0; i < 3; i++) void limits.enter("two")!.then(() => gone++)
    await clock.next()
    expect([clock.tick(), gone]).toEqual([1_600, 2])
    await clock.next()
    expect([clock.tick(), gone]).toEqual([2_600, 3])
  })

  test("what is sent once more at once counts, too; who has given up is told so, however many wait", async () => {
    const limits = new ResourceLimits(new StandingClock(), { queueMax: 0 })
    limits.declare("a", { perSecond: 1 })
    expect(limits.again("a", "send")).toBeUndefined()
    await expect(limits.enter("a")).rejects.toMatchObject({ code: "Busy" })
    await expect(limits.enter("a", AbortSignal.abort())).rejects.toMatchObject({ code: "Cancelled" })
  })

  test("who waits to send once more is slept for, whoever else gives up", async () => {
    const slept: AbortSignal[] = []
    const clock: Clock = {
      now: () => 0,
      tick: () => 0,
      sleep: (_, signal) => {
        slept.push(signal!)
        return new Promise(() => {})
      },
    }
    const limits = new ResourceLimits(clock)
    limits.declare("a", { perSecond: 1 })
    limits.enter("a")
    const [a, b] = [new AbortController(), new AbortController()]
    const gone = Promise.allSettled([limits.enter("a", a.signal), limits.again("a", "send", b.signal)])
    a.abort()
    expect(slept.map(({ aborted }) => aborted)).toEqual([false])
    b.abort()
    expect(slept.map(({ aborted }) => aborted)).toEqual([true])
    await gone
  })

  test("a bound that is none is refused", () => {
    const limits = new ResourceLimits(new StandingClock())
    for (const bad of [
      { concurrent: 0 },
      { perSecond: 0 },
      { perSecond: -1 },
      { concurrent: Number.NaN },
      { perSecond: 100_001 },
    ]) {
      expect(() => limits.declare("a", bad)).toThrow("Cannot limit")
    }
    expect(() => limits.declare("a", { perSecond: 100_000 })).not.toThrow()
  })
})
