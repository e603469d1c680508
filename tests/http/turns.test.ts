// Runs that came in one turn of the event loop, done together, against the same done one after the other on a ledger that seals
// each entry as it comes: every answer is the same to the letter, whatever stands beside it in the turn.
import { describe, expect, test } from "bun:test"
import type { GraphsOptions } from "../../deploy/http/app.ts"
import { TokenError } from "../../deploy/http/holder.ts"
import { MemoryLedger } from "../../deploy/mod.ts"
import type { LedgerStore, Row } from "../../kernel/mod.ts"
import { Chance } from "../hostile/chance.ts"
import { ASKS, FAILS, Gates, type Site, SLOW, SUM, site } from "./world.ts"

const ECHO = `
graph: echo
input: { t: string }
nodes:
  said: { expr: "input.t + '!'" }
output: { said: said }
`
const LOOKS = `
graph: looks
input: { n: number }
nodes:
  found: { look: input.n }
output: found
`

/** Ids are drawn the same in every world. */
class Same extends Gates {
  override engine(store: LedgerStore) {
    return super.engine(store, { chance: { next: () => 0.5, bytes: (n) => new Uint8Array(n).fill(7) } })
  }
}
/** Seals what it is given, and looks at nothing late. */
const sealing = (): LedgerStore => {
  const all = new MemoryLedger({ entriesMax: 1e6, runsMax: 1e6 })
  const { runs, entries, parked, putBlob, getBlob, close } = all
  const own = { runs, entries, parked, putBlob, getBlob, close }
  const bound = Object.fromEntries(Object.entries(own).map(([k, f]) => [k, (f as () => unknown).bind(all)]))
  return { ...(bound as unknown as typeof own), append: (row) => all.append(row) }
}

interface Asked {
  readonly path: string
  readonly body: Uint8Array<ArrayBuffer>
  readonly headers: Readonly<Record<string, string>>
}
interface Proven {
  readonly trace?: unknown
  readonly ledger?: unknown
  readonly problem?: { readonly ledger?: unknown }
}
const utf8 = new TextEncoder()
const asked = (path: string, body: unknown, headers: Record<string, string> = {}): Asked => {
  const bytes = body instanceof Uint8Array ? (body as Uint8Array<ArrayBuffer>) : utf8.encode(JSON.stringify(body))
  const length = { "content-length": `${bytes.length}` }
  return { path, body: bytes, headers: { "content-type": "application/json", ...length, ...headers } }
}
async function answered({ app }: Site, { path, ...init }: Asked) {
  const response = await app.fetch(new Request(`http://localhost${path}`, { method: "POST", ...init }))
  return { status: response.status, headers: Object.fromEntries(response.headers), text: await response.text() }
}

const GOOD: readonly ((chance: Chance) => Asked)[] = [
  (c) => asked("/graphs/sum/runs", { input: { a: c.below(1_000) } }),
  (c) => asked("/graphs/sum/runs", { input: { a: c.below(1_000), b: -0.5 } }, { traceparent: TRACEPARENT }),
  (c) => asked("/graphs/echo/runs", { input: { t: "é😀x".repeat(c.below(300)) } }),
  (c) => asked("/graphs/fails/runs", { input: { at: c.below(4) } }),
  (c) => asked("/graphs/asks/runs", { input: { id: `A${c.below(9)}` } }),
]
const BAD: readonly ((chance: Chance) => Asked)[] = [
  () => asked("/graphs/sum/runs", { input: { a: "one" } }),
  () => asked("/graphs/sum/runs", { inputs: [] }),
  () => asked("/graphs/none/runs", {}),
  () => asked("/graphs/echo/runs", new Uint8Array([0x7b, 0xff])),
  () => asked("/graphs/echo/runs", new Uint8Array(3_000)),
  () => asked("/graphs/sum/runs", {}, { "content-type": "text/plain" }),
  () => asked("/graphs/sum/runs", {}, { "content-encoding": "br" }),
  () => asked("/graphs/sum/runs", {}, { "idempotency-key": "a b" }),
]
const TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
/** Of a run that failed it is in the problem that it came to. */
const proofIn = ({ trace, ledger, problem }: Proven): readonly unknown[] => [trace, ledger ?? problem?.ledger]
const drawn = (chance: Chance, count: number): readonly Asked[] =>
  Array.from({ length: count }, () => chance.pick(chance.once(4) ? BAD : GOOD)!(chance))

describe("a turn", () => {
  test("answers as if each had come alone, also for runs that the ledger lets go of within it", async () => {
    for (let seed = 1; seed <= 12; seed++) {
      const chance = new Chance(seed)
      const limits = { bodyBytesMax: 2_000 }
      const small = new MemoryLedger({ runsMax: 2 + chance.below(30), entriesMax: 8 + chance.below(200) })
      const graphs = [SUM, ECHO, FAILS, ASKS]
      const logs: string[][] = [[], []]
      const logged = (i: number): Partial<GraphsOptions> => ({
        limits,
        onRun: ({ graph, status, run, ms }) => {
          expect(ms).toBeGreaterThanOrEqual(0)
          logs[i]!.push(`${graph} ${status} ${run}`)
        },
      })
      const together = await site(graphs, { ...logged(0), shared: true }, small, new Same())
      const alone = await site(graphs, logged(1), sealing(), new Same())
      const requests = drawn(chance, 1 + chance.below(120))
      const answers = await Promise.all(requests.map((request) => answered(together, request)))
      for (const [i, request] of requests.entries()) {
        const said = `seed ${seed} request ${i} ${request.path}`
        const answer = answers[i]!
        expect([said, answer]).toEqual([said, await answered(alone, request)])
        const { run, trace, ledger } = JSON.parse(answer.text)
        if (run === undefined) continue
        const { status, json } = await together.get(`/runs/${run}`)
        // What was let go of is not known; what is known says what was answered, as the other ledger does.
        if (status === 200 && trace !== undefined) expect([said, ...proofIn(json)]).toEqual([said, trace, ledger])
        else expect([said, json, [200, 404].includes(status)]).toEqual([said, json, true])
        const { json: kept } = await alone.get(`/runs/${run}`)
        if (trace !== undefined) expect([said, ...proofIn(kept)]).toEqual([said, trace, ledger])
      }
      // Each once.
      expect(logs[0]!.toSorted()).toEqual(logs[1]!.toSorted())
      expect((await together.get("/health")).json).toMatchObject({ running: 0, waiting: 0 })
    }
  })

  test("keeps a defect to the request that met it", async () => {
    class Breaks extends MemoryLedger {
      override append(row: Row): void {
        if (row.kind === "end" && row.data?.some((b) => b === 0x7e) === true) throw new RangeError("the disk is gone")
        super.append(row)
      }
    }
    const defects: unknown[] = []
    const onDefect = (cause: unknown) => void defects.push(cause)
    const here = await site([SUM, ECHO], { shared: true, onDefect }, new Breaks())
    const texts = Array.from({ length: 50 }, (_, i) => (i % 7 === 2 ? "~" : `t${i}`))
    const answers = await Promise.all(texts.map((t) => answered(here, asked("/graphs/echo/runs", { input: { t } }))))
    for (const [i, { status, text }] of answers.entries()) {
      const wrong = texts[i] === "~"
      expect([i, status]).toEqual([i, wrong ? 500 : 200])
      if (wrong) expect(JSON.parse(text)).toMatchObject({ type: "/problems/internal" })
      else expect(JSON.parse(text).output.said).toBe(`${texts[i]}!`)
    }
    expect(defects).toHaveLength(7)
    // Their places are free again.
    expect((await here.get("/health")).json).toMatchObject({ running: 0, waiting: 0 })
  })

  test("holds runs with tools, keys, streams and runs for which nobody waits, each by itself", async () => {
    const here = await site([SUM, LOOKS, SLOW], { shared: true })
    const key = (k: string, a: number) => asked("/graphs/sum/runs", { input: { a } }, { "idempotency-key": k })
    const requests: readonly (readonly [request: Asked, status: number, output?: unknown])[] = [
      [asked("/graphs/looks/runs", { input: { n: 1 } }), 200, 2],
      [asked("/graphs/sum/runs", { input: { a: 1 } }), 200, { sum: 2 }],
      [key("k", 5), 200, { sum: 6 }],
      [key("k", 5), 200, { sum: 6 }],
      [key("k", 6), 422],
      [asked("/graphs/sum/runs", { input: { a: 2 } }, { prefer: "respond-async, wait=5" }), 200, { sum: 3 }],
      [asked("/graphs/looks/runs", { input: { n: "x" } }), 422],
      [asked("/graphs/slow/runs", { input: { n: 1 } }), 200, 3],
      [asked("/graphs/sum/runs", { input: { a: 3 } }), 200, { sum: 4 }],
      [asked("/graphs/looks/runs", { input: { n: 8 } }), 200, 9],
    ]
    const stream = answered(here, asked("/graphs/sum/runs", { input: { a: 9 } }, { accept: "text/event-stream" }))
    const answers = requests.map(([request]) => answered(here, request))
    void here.world.open(1).then(() => here.world.open(2))
    for (const [i, [, status, output]] of requests.entries()) {
      const answer = await answers[i]!
      expect([i, answer.status, JSON.parse(answer.text).output]).toEqual([i, status, output])
    }
    expect((await stream).text).toMatch(/event: result\ndata: .*"output":\{"sum":10\}/)
    const [first, again] = [await answers[2]!, await answers[3]!]
    expect(JSON.parse(first.text).run).toBe(JSON.parse(again.text).run)
    expect([first, again].filter(({ headers }) => headers["idempotency-replayed"] === "true")).toHaveLength(1)
    expect((await here.get("/health")).json).toMatchObject({ running: 0, waiting: 0, streams: 0 })
  })

  test("shares out few places: who has none waits, or is told so", async () => {
    const here = await site([SUM, SLOW], { shared: true, limits: { runsMax: 1, waitingMax: 2 } })
    const all = [
      asked("/graphs/sum/runs", { input: { a: 1 } }),
      asked("/graphs/slow/runs", { input: { n: 1 } }),
      asked("/graphs/sum/runs", { input: { a: 2 } }),
      asked("/graphs/sum/runs", { input: { a: 3 } }),
      asked("/graphs/sum/runs", { input: { a: 4 } }),
      asked("/graphs/sum/runs", { input: {} }),
    ].map((request) => answered(here, request))
    await Promise.all([all[0], all[4], all[5]])
    expect((await here.get("/health")).json).toMatchObject({ running: 1, waiting: 2 })
    await here.world.open(1)
    await here.world.open(2)
    const answers = await Promise.all(all)
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 503, 422])
    expect(answers[4]!.headers["retry-after"]).toBe("1")
    expect((await here.get("/health")).json).toMatchObject({ running: 0, waiting: 0 })
  })

  test("tells each holder of a token what is for it, and counts each run on its own budget", async () => {
    const holders = {
      one: { name: "one", grants: ["app:look"], budget: { budget: { calls: 2 }, windowMs: 3_600_000 } },
      two: { name: "two", grants: ["app:look"] },
      three: { name: "three", grants: ["app:look"], graphs: ["looks"] },
    }
    const holderOf = async (request: Request) => {
      const name = request.headers.get("authorization")?.slice(7) as keyof typeof holders
      if (holders[name] === undefined) throw new TokenError({ reason: "token-unknown", message: "no" })
      return holders[name]
    }
    const here = await site([SUM, LOOKS], { shared: true, holderOf })
    const as = (name: string, path: string, input: object) =>
      answered(here, asked(path, { input }, { authorization: `Bearer ${name}` }))
    const [looks, sum] = ["/graphs/looks/runs", "/graphs/sum/runs"]
    const answers = await Promise.all([
      ...[1, 2, 3, 4].map((n) => as("one", looks, { n })),
      as("two", looks, { n: 5 }),
      as("two", sum, { a: 5 }),
      as("three", looks, { n: 6 }),
      as("three", sum, { a: 6 }),
      as("four", sum, { a: 7 }),
      as("one", sum, { a: 8 }),
    ])
    const statuses = answers.map(({ status }) => status)
    // Two calls are in the budget; who comes then rests until there is a larger one.
    expect(statuses.slice(0, 4).toSorted()).toEqual([200, 200, 202, 202])
    expect(statuses.slice(4)).toEqual([200, 200, 200, 403, 401, 200])
  })
})

test("each request is told once; and a run that it did not wait for once more, when that has ended", async () => {
  for (const shared of [true, false]) {
    const told: string[] = []
    const onRun: GraphsOptions["onRun"] = ({ graph, status }) => void told.push(`${graph} ${status}`)
    const here = await site([SUM, SLOW], { shared, onRun })
    const after = async (request: Asked) => {
      await answered(here, request)
      return told.splice(0)
    }
    const sum = (headers: Record<string, string>) => asked("/graphs/sum/runs", { input: { a: 1 } }, headers)
    expect(await after(sum({}))).toEqual(["sum 200"])
    expect(await after(sum({ "idempotency-key": "k" }))).toEqual(["sum 200"])
    expect(await after(sum({ "idempotency-key": "k" }))).toEqual(["sum 200"])
    expect(await after(sum({ prefer: "respond-async, wait=5" }))).toEqual(["sum 200"])
    expect(await after(sum({ accept: "text/event-stream" }))).toEqual(["sum 200"])
    expect(await after(asked("/graphs/slow/runs", { input: { n: 1 } }, { prefer: "respond-async" }))).toEqual([
      "slow 202",
    ])
    for (const n of [1, 2]) await here.world.open(n)
    for (let i = 0; i < 500 && told.length === 0; i++) await new Promise((wake) => setTimeout(wake, 1))
    expect(told).toEqual(["slow 200"])
  }
})
