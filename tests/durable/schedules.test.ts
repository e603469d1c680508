// Runs that the clock starts: one for each tick, however many servers there are and however often they start anew; ticks that
// were missed, that come too soon, that a clock which jumps makes of nothing. Time is the test's own, the store a real file.
import { afterAll, describe, expect, test } from "bun:test"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Engine } from "../../deploy/engine/engine.ts"
import { MemoryMarks } from "../../deploy/engine/marks.ts"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import { readTriggers, type Triggers } from "../../deploy/triggers/read.ts"
import { runSchedules, ScheduleError, tickId } from "../../deploy/triggers/scheduler.ts"
import { AdmissionError, openRow } from "../../kernel/mod.ts"
import { GRANTS, ledger, World } from "./house.ts"

const folder = mkdtempSync(join(tmpdir(), "schedules-"))
afterAll(() => rmSync(folder, { recursive: true, force: true }))
let made = 0

const HOUR = 3_600_000
const REPORT = `
graph: report
input: { n: number, at?: string }
nodes:
  sent: { post: input.n }
output: { sent: sent, at: "input.?at.orValue('')" }
`
const WAITS = `
graph: report
input: { n: number, at?: string }
nodes:
  said: { event: go, within: 30d, output: number }
  sent: { post: said }
output: sent
`
const morning = (more: object = {}) => ({
  graph: "report",
  cron: "0 7 * * *",
  timezone: "Europe/Zurich",
  input: { n: 1 },
  ...more,
})

function triggersOf(schedules: object): Triggers {
  const text = JSON.stringify({ schedules })
  const read = readTriggers("shadowgraph.project.json", text, JSON.parse(text))
  if ("problems" in read) throw new RangeError(JSON.stringify(read.problems))
  return read
}

class House {
  readonly world = new World()
  readonly file = join(folder, `${++made}.db`)
  readonly #running: { readonly stop: AbortController; readonly done: Promise<void>; readonly engine: Engine }[] = []

  constructor(at: string) {
    this.world.now = Date.parse(at)
  }

  async server(
    schedules: object,
    { text = REPORT, grants = GRANTS }: { readonly text?: string; readonly grants?: readonly string[] } = {},
  ) {
    const holder = { id: `server ${++made}`, leaseMs: 60_000 }
    const storage = new SqliteStorage({ file: this.file })
    const store = await SqlLedger.open({ storage, now: () => this.world.now, holder })
    const engine = this.world.engine(store)
    const ready = await engine.prepare(this.world.plan(text), { grants }).catch((cause: unknown) => {
      if (cause instanceof AdmissionError) return cause
      throw cause
    })
    const told: { readonly run: string; readonly ended?: boolean }[] = []
    const refused: unknown[] = []
    const stop = new AbortController()
    const triggers = triggersOf(schedules)
    let looks = 0
    const done = runSchedules({
      schedules: triggers.schedules.map((schedule) => ({ schedule, engine, marks: store.marks, ready })),
      clock: {
        now: () => this.world.now,
        tick: () => this.world.now,
        sleep: () => {
          looks++
          return new Promise<void>((resolve) => setTimeout(resolve, 1))
        },
      },
      signal: stop.signal,
      onRun: ({ run, result }) => void told.push({ run, ...(result ? { ended: result.outcome.ok } : {}) }),
      onDefect: (cause) => void refused.push(cause instanceof ScheduleError ? cause.reason : cause),
    })
    const server = { stop, done, engine }
    this.#running.push(server)
    /** Waits until it has looked at the clock twice, and everything that it began has come to rest. */
    const looked = async () => {
      const from = looks
      while (looks < from + 2) await new Promise((resolve) => setTimeout(resolve, 1))
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
    await looked()
    return {
      engine,
      store,
      refused,
      looked,
      schedule: triggers.schedules[0]!,
      runs: async () => (await store.runs("", 99)).map((r) => r.run).reverse(),
      stop: async () => {
        stop.abort()
        await done
        await engine.close(1)
        this.#running.splice(this.#running.indexOf(server), 1)
      },
    }
  }

  async to(at: string, ...servers: readonly { readonly looked: () => Promise<void> }[]): Promise<void> {
    this.world.now = Date.parse(at)
    for (const { looked } of servers) await looked()
  }

  async close(): Promise<void> {
    for (const { stop, done, engine } of this.#running) {
      stop.abort()
      await done
      await engine.close(1)
    }
  }
}

describe("a tick", () => {
  test("starts one run, whose id and input follow from it, and no other until the next", async () => {
    const house = new House("2026-11-20T05:59:00Z")
    const server = await house.server({ morning: morning({ input: { n: 2, at: "${ tick.local }" } }) })
    expect(await server.runs()).toEqual([])
    await house.to("2026-11-20T06:00:00.500Z", server)
    const id = tickId(server.schedule, Date.parse("2026-11-20T06:00Z"))
    expect(id).toMatch(/^[0-9A-Z]{26}$/)
    expect(await server.runs()).toEqual([id])
    await house.to("2026-11-20T12:00:00Z", server)
    await house.to("2026-11-21T06:00:03Z", server)
    expect(await server.runs()).toEqual([id, tickId(server.schedule, Date.parse("2026-11-21T06:00Z"))])
    expect(house.world.calls).toEqual(["post 2", "post 2"])
    const rows = (await server.store.entries("", id)).rows
    expect(rows.map((r) => openRow(r).body.kind)).toEqual(["start", "intent", "outcome", "end"])
    expect((await server.engine.history(id)).input).toEqual({ n: 2, at: "2026-11-20T07:00" })
    expect(server.refused).toEqual([])
    await house.close()
  })

  test("starts one run where several servers look at one clock, also of those that start anew just then", async () => {
    const house = new House("2026-11-20T05:59:00Z")
    const servers = await Promise.all([1, 2, 3].map(() => house.server({ minutes: morning({ cron: "* * * * *" }) })))
    for (let minute = 0; minute < 10; minute++) {
      house.world.now = Date.parse("2026-11-20T06:00:00Z") + minute * 60_000
      if (minute === 5) {
        await servers.pop()!.stop()
        servers.push(await house.server({ minutes: morning({ cron: "* * * * *" }) }))
      }
      await Promise.all(servers.map((s) => s.looked()))
    }
    expect(await servers[0]!.runs()).toHaveLength(10)
    expect(house.world.calls).toEqual(Array(10).fill("post 1"))
    expect(servers.flatMap((s) => s.refused)).toEqual([])
    await house.close()
  })

  test("is begun once, also where the process died before it had noted that", async () => {
    const house = new House("2026-11-20T05:59:00Z")
    const first = await house.server({ morning: morning() })
    await house.to("2026-11-20T06:00:00Z", first)
    await first.stop()
    // As if it had died in between: the mark is that of the minute before.
    const storage = new SqliteStorage({ file: house.file })
    storage.batch([["UPDATE ledger_mark SET seen = seen - 60000, run = NULL", []]])
    storage.close()
    const second = await house.server({ morning: morning() })
    await second.looked()
    expect(await second.runs()).toHaveLength(1)
    expect(house.world.calls).toEqual(["post 1"])
    await house.close()
  })

  test("is not lost for want of a grant in silence", async () => {
    const house = new House("2026-11-20T05:59:00Z")
    const server = await house.server({ morning: morning() }, { grants: [] })
    await house.to("2026-11-20T06:00:00Z", server)
    expect(server.refused).toEqual(["not-granted"])
    expect(await server.runs()).toEqual([])
    await house.close()
  })

  test("whose input cannot be made says so", async () => {
    const house = new House("2026-11-20T05:59:00Z")
    const server = await house.server({ morning: morning({ input: { n: "${ [1.0][tick.ms] }" } }) })
    await house.to("2026-11-20T06:00:00Z", server)
    expect(server.refused).toEqual(["input"])
    await house.close()
  })
})

describe("a tick that passed while no server ran", () => {
  const down = async (missed: "skip" | "once", until: string) => {
    const house = new House("2026-11-20T05:59:00Z")
    const first = await house.server({ morning: morning({ missed }) })
    await house.to("2026-11-20T06:00:00Z", first)
    await first.stop()
    house.world.now = Date.parse(until)
    const second = await house.server({ morning: morning({ missed }) })
    await second.looked()
    const runs = await second.runs()
    await house.close()
    return { runs, refused: second.refused, schedule: second.schedule, world: house.world }
  }

  test("is let be, and said to be", async () => {
    const { runs, refused } = await down("skip", "2026-11-23T09:00:00Z")
    expect([runs.length, refused]).toEqual([1, ["missed"]])
  })
  test("is run once where that is wanted, however many were missed: the last one", async () => {
    const { runs, refused, schedule } = await down("once", "2026-11-23T09:00:00Z")
    expect(runs.slice(1)).toEqual([tickId(schedule, Date.parse("2026-11-23T06:00Z"))])
    expect(refused).toEqual([])
  })
  test("is none where it is so short ago that a restart explains it", async () => {
    const { runs, refused } = await down("skip", "2026-11-21T06:00:50Z")
    expect([runs.length, refused]).toEqual([2, []])
  })
  test("is none of a schedule that was not there then, or had other times", async () => {
    const house = new House("2026-11-20T09:00:00Z")
    const first = await house.server({ morning: morning({ missed: "once" }) })
    expect(await first.runs()).toEqual([])
    await first.stop()
    await house.to("2026-11-20T12:00:00Z")
    const other = await house.server({ morning: morning({ missed: "once", cron: "0 * * * *" }) })
    expect(await other.runs()).toEqual([])
    await house.close()
  })
})

describe("a tick that comes while an earlier run has not ended", () => {
  test("is let be, also by another server, until the run has ended", async () => {
    const house = new House("2026-11-20T05:59:00Z")
    const one = await house.server({ hourly: morning({ cron: "0 * * * *" }) }, { text: WAITS })
    const two = await house.server({ hourly: morning({ cron: "0 * * * *" }) }, { text: WAITS })
    await house.to("2026-11-20T06:00:00Z", one, two)
    await house.to("2026-11-20T07:00:00Z", two, one)
    const [run, ...more] = await one.runs()
    expect(more).toEqual([])
    expect([...one.refused, ...two.refused]).toEqual(["overlap"])
    const { resume } = await import("../../deploy/engine/again.ts")
    await resume(one.engine, run!, { grants: GRANTS, replies: [{ path: ["said"], how: "answered", value: 3 }] })
    await house.to("2026-11-20T08:00:00Z", one, two)
    expect(await one.runs()).toHaveLength(2)
    await house.close()
  })

  test("starts another run where that is wanted", async () => {
    const house = new House("2026-11-20T05:59:00Z")
    const schedule = { hourly: morning({ cron: "0 * * * *", overlap: "allow" }) }
    const server = await house.server(schedule, { text: WAITS })
    await house.to("2026-11-20T06:00:00Z", server)
    await house.to("2026-11-20T07:00:00Z", server)
    expect(await server.runs()).toHaveLength(2)
    await house.close()
  })
})

describe("a clock", () => {
  test("that goes back runs nothing again; back by more than a minute it is said, and ticks go on from there", async () => {
    const house = new House("2026-11-20T05:59:00Z")
    const server = await house.server({ hourly: morning({ cron: "0 * * * *" }) })
    await house.to("2026-11-20T06:00:00Z", server)
    await house.to("2026-11-20T05:59:30Z", server)
    expect(server.refused).toEqual([])
    await house.to("2026-11-20T07:00:00Z", server)
    await house.to("2026-11-20T05:30:00Z", server)
    expect(server.refused).toEqual(["clock"])
    await house.to("2026-11-20T06:00:00Z", server)
    await house.to("2026-11-20T07:00:00Z", server)
    expect(await server.runs()).toHaveLength(2)
    await house.to("2026-11-20T08:00:00Z", server)
    expect(await server.runs()).toHaveLength(3)
    expect(house.world.calls).toEqual(["post 1", "post 1", "post 1"])
    expect(server.refused).toEqual(["clock"])
    await house.close()
  })

  test("that was years ahead before a restart does not keep the schedule from going on", async () => {
    const house = new House("2031-01-01T00:00:00Z")
    const first = await house.server({ hourly: morning({ cron: "0 * * * *" }) })
    await first.stop()
    house.world.now = Date.parse("2026-11-20T05:59:00Z")
    const second = await house.server({ hourly: morning({ cron: "0 * * * *" }) })
    expect(second.refused).toEqual(["clock"])
    await house.to("2026-11-20T06:00:00Z", second)
    expect(await second.runs()).toHaveLength(1)
    await house.close()
  })

  test("that jumps ahead misses what it jumped over", async () => {
    const house = new House("2026-11-20T05:59:00Z")
    const server = await house.server({ hourly: morning({ cron: "30 * * * *" }) })
    await house.to("2026-11-20T12:00:00Z", server)
    expect(server.refused).toEqual(["missed"])
    await house.to("2026-11-20T12:30:00Z", server)
    expect(await server.runs()).toHaveLength(1)
    await house.close()
  })
})

test("a store that does not answer holds a tick up; it is told of once and runs when the store is back", async () => {
  const world = new World()
  world.now = Date.parse("2026-11-20T05:59:00Z")
  const store = ledger()
  const engine = world.engine(store)
  const ready = await engine.prepare(world.plan(REPORT), { grants: GRANTS })
  const { schedules } = triggersOf({ morning: morning() })
  let away = false
  class Shaky extends MemoryMarks {
    override get(space: string, name: string) {
      if (away) throw new RangeError("away")
      return super.get(space, name)
    }
  }
  const marks = new Shaky()
  const stop = new AbortController()
  const refused: unknown[] = []
  const sleep = () => new Promise<void>((resolve) => setTimeout(resolve, 1))
  const done = runSchedules({
    schedules: schedules.map((schedule) => ({ schedule, engine, marks, ready })),
    clock: { now: () => world.now, tick: () => world.now, sleep },
    signal: stop.signal,
    onDefect: (cause) => void refused.push(cause),
  })
  const moments = () => new Promise((resolve) => setTimeout(resolve, 30))
  await moments()
  away = true
  world.now += HOUR / 60
  await moments()
  expect(refused).toHaveLength(1)
  away = false
  await moments()
  expect(world.calls).toEqual(["post 1"])
  stop.abort()
  await done
})
