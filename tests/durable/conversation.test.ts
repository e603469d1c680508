// A model that calls tools, stopped anywhere: what it said and what its tools did is on record, so the conversation goes on
// where it was. Nothing is asked of the model twice, no tool is called twice, and inside a tool a run may rest for a person.
import { describe, expect, test } from "bun:test"
import { replay, resume } from "../../deploy/engine/again.ts"
import type { MemoryLedger } from "../../deploy/ledger/memory.ts"
import { createHttp } from "../../deploy/services/http.ts"
import { type NodeKind, printPath, T } from "../../graph/mod.ts"
import { openEntry, type Reply } from "../../kernel/mod.ts"
import { type Saying, startModelServer } from "../contract/model-server.ts"
import { GRANTS, ledger, World } from "./house.ts"

const server = startModelServer()
const lent = { http: createHttp() }

const text = () => `
graph: talk
input: { n: number }
models: { main: { url: ${server.url}, model: tiny-1 } }
nodes:
  first: { look: input.n }
  it:
    llm: main
    prompt: Go on from \${ first }
    tools:
      look: { about: Looks., input: { x: number }, do: { look: x } }
      send: { about: Sends., input: { x: number }, do: { nodes: { a: { look: x }, b: { send: a } }, output: b } }
      post: { about: Posts., input: { x: number }, do: { post: x } }
      sure: { about: Asks., input: { x: number }, do: { ask: "Is \${ x } right?", output: boolean, within: 2d } }
    tool_rounds: 6
  last: { send: "size(it) + 500", after: it }
output: { it: it, last: last }
`
const grants = () => [...GRANTS, "model:main", `net:${server.host}`, "net:127.0.0.1", `net:private`]
const call = (name: string, x: number) => ({ name, arguments: JSON.stringify({ x }), id: `${name}_${x}` })

/** Rounds of the model: two tools at once, a tool that is not there, one that writes, and the answer. */
const SAYINGS: readonly Saying[] = [
  { calls: [call("look", 10), call("send", 20)] },
  { calls: [call("burn", 1), call("post", 30)], text: "hm" },
  { calls: [call("send", 40)] },
  { text: "done" },
]

const kinds = (store: MemoryLedger, run: string) => store.entries("", run).rows.map((r) => openEntry(r.entry).body)

/** Begins the graph on a model that says so. */
async function begun(world: World, store: MemoryLedger, sayings: readonly Saying[]) {
  server.script = [...sayings]
  server.requests.length = 0
  const ready = await world.engine(store, lent).prepare(world.plan(text()), { grants: grants() })
  return { ready, whole: await ready.run({ n: 1 }) }
}

describe("a conversation with tools", () => {
  test("goes on from every entry of its record: nothing is asked of the model or done by a tool twice", async () => {
    const world = new World()
    const store = ledger()
    const { ready, whole } = await begun(world, store, SAYINGS)
    expect(whole.outcome).toMatchObject({ ok: true, value: { it: "done" } })
    const { rows } = store.entries("", whole.run)
    expect(kinds(store, whole.run).filter((b) => b.kind === "part")).toHaveLength(SAYINGS.length)
    const requests = [...server.requests]
    for (let cut = 1; cut < rows.length; cut++) {
      const later = new World()
      const kept = ledger()
      await kept.putBlob(ready.admitted.hash, world.plan(text()))
      for (const row of rows.slice(0, cut)) kept.append(row)
      const bodies = kinds(kept, whole.run)
      const said = bodies.filter((b) => b.kind === "part").length
      server.script = SAYINGS.slice(said)
      server.requests.length = 0
      let result = await resume(later.engine(kept, lent), whole.run, { grants: grants() })
      while (result.parked !== undefined) {
        const replies = result.parked.map(({ path }): Reply => ({ path, how: "again" }))
        result = await resume(later.engine(kept, lent), whole.run, { grants: grants(), replies })
      }
      expect(result.outcome).toEqual(whole.outcome)
      expect(result.trace).toBe(whole.trace)
      // Where the model's own outcome is on record, nobody asks it any more.
      expect(server.requests).toEqual(requests.slice(said))
      const settled = bodies.filter((b) => b.kind === "outcome").length
      const reads = bodies.filter((b) => b.kind === "read" && b.resource !== "model:main").length
      expect(later.calls.length).toBe(world.calls.length - settled - reads)
      expect(await replay(later.engine(kept, lent), whole.run)).toMatchObject({ same: true, trace: whole.trace })
    }
  })

  test("rests where a tool asks a person, and goes on with the answer", async () => {
    const world = new World()
    const store = ledger()
    const sayings = [{ calls: [call("look", 10), call("sure", 7)] }, { text: "so it is" }]
    const { whole } = await begun(world, store, sayings)
    expect(whole.parked?.map(({ path, why }) => [printPath(path), why])).toEqual([["it[1].sure", "ask"]])
    expect(server.requests).toHaveLength(1)
    const again = await resume(world.engine(store, lent), whole.run, { grants: grants() })
    expect(again.parked).toHaveLength(1)
    const replies: Reply[] = [{ path: again.parked![0]!.path, how: "answered", value: true }]
    const done = await resume(world.engine(store, lent), whole.run, { grants: grants(), replies })
    expect(done.outcome).toEqual({ ok: true, value: { it: "so it is", last: 509 } })
    expect(world.calls).toEqual(["look 1", "look 10", "send 508"])
    expect(server.requests).toHaveLength(2)
    expect(server.requests[1]!.messages.at(-1)).toMatchObject({ role: "tool", content: "true" })
    expect(await replay(world.engine(store, lent), whole.run)).toMatchObject({ same: true })
  })

  test("rests where nobody knows what came of a tool's write, also after a stop", async () => {
    const world = new World()
    world.late.set("post 30", "done")
    const store = ledger()
    const { ready, whole } = await begun(world, store, [{ calls: [call("post", 30)] }, { text: "ok" }])
    expect(whole.parked?.map(({ why }) => why)).toEqual(["uncertain"])
    const { rows } = store.entries("", whole.run)
    const intent = rows.findIndex((row) => row.kind === "intent")
    const kept = ledger()
    await kept.putBlob(ready.admitted.hash, world.plan(text()))
    for (const row of rows.slice(0, intent + 1)) kept.append(row)
    const rested = await resume(world.engine(kept, lent), whole.run, { grants: grants() })
    expect(rested.parked?.map(({ why }) => why)).toEqual(["uncertain"])
    const replies: Reply[] = [{ path: rested.parked![0]!.path, how: "delivered", value: 31 }]
    const done = await resume(world.engine(kept, lent), whole.run, { grants: grants(), replies })
    expect(done.outcome).toMatchObject({ ok: true, value: { it: "ok" } })
    expect(world.calls.filter((c) => c.startsWith("post"))).toEqual(["post 30"])
  })

  test("whose tool calls itself pure and is not is stopped where it would ask for something else", async () => {
    let salt = 1
    const shady: NodeKind = {
      kind: "shady",
      about: "Says that it is pure.",
      main: { form: "cel", required: true, about: "What with." },
      fields: {},
      takesWith: false,
      sign: () => ({ effect: "pure", resource: null, needs: [], output: T.number }),
      open: () => ({ execute: (args) => (args as { readonly shady: number }).shady + salt }),
    }
    const world = new World()
    Object.assign(world, { kinds: new Map([...world.kinds, ["shady", shady]]) })
    const store = ledger()
    const odd = text().replace("do: { post: x } }", "do: { shady: x } }")
    server.script = [{ calls: [call("post", 1)] }, { calls: [call("look", 2)] }, { text: "ok" }]
    const plan = world.plan(odd)
    const ready = await world.engine(store, lent).prepare(plan, { grants: grants() })
    const { run } = await ready.run({ n: 1 })
    const { rows } = store.entries("", run)
    const kept = ledger()
    await kept.putBlob(ready.admitted.hash, plan)
    const second = rows.findLastIndex((row) => row.kind === "part")
    for (const row of rows.slice(0, second)) kept.append(row)
    salt = 2
    const before = world.calls.length
    await expect(resume(world.engine(kept, lent), run, { grants: grants() })).rejects.toMatchObject({
      reason: "diverged",
      message: expect.stringContaining("part 1 of it asks for something else than on record"),
    })
    expect(world.calls.length).toBe(before)
  })

  test("rests where a tool waits for an answer that a person owes the graph around it", async () => {
    const world = new World()
    const store = ledger()
    server.script = [{ calls: [call("known", 7)] }, { text: "so it is" }]
    server.requests.length = 0
    const outside = text()
      .replace("nodes:\n", 'nodes:\n  owed: { ask: "Well?", output: number, within: 2d }\n')
      .replace(
        "    tool_rounds",
        "      known: { about: Knows., input: { x: number }, do: { expr: owed + x } }\n    tool_rounds",
      )
    const ready = await world.engine(store, lent).prepare(world.plan(outside), { grants: grants() })
    const rested = await ready.run({ n: 1 })
    expect(rested.parked?.map(({ path }) => printPath(path))).toEqual(["owed"])
    const replies: Reply[] = [{ path: ["owed"], how: "answered", value: 35 }]
    const done = await resume(world.engine(store, lent), rested.run, { grants: grants(), replies })
    expect(done.outcome).toMatchObject({ ok: true, value: { it: "so it is" } })
    expect(server.requests).toHaveLength(2)
    expect(server.requests[1]!.messages.at(-1)).toMatchObject({ role: "tool", content: "42" })
    expect(await replay(world.engine(store, lent), rested.run)).toMatchObject({ same: true })
  })

  test("does not run out of time while a person is asked and something else is under way", async () => {
    const world = new World()
    const store = ledger()
    const slow: NodeKind = {
      kind: "slow",
      about: "Takes its time.",
      main: { form: "cel", required: true, about: "How long." },
      fields: {},
      takesWith: false,
      sign: () => ({ effect: "read", resource: "slows", needs: [], output: T.number }),
      open: () => ({ execute: (args) => new Promise((ok) => setTimeout(ok, (args as { slow: number }).slow, 1)) }),
    }
    Object.assign(world, { kinds: new Map([...world.kinds, ["slow", slow]]) })
    server.script = [{ calls: [call("sure", 7)] }, { text: "ok" }]
    const timed = text().replace(
      "    tool_rounds: 6\n",
      "    tool_rounds: 6\n    timeout: 400ms\n  beside: { slow: '900' }\n",
    )
    const ready = await world.engine(store, lent).prepare(world.plan(timed), { grants: grants() })
    const rested = await ready.run({ n: 1 })
    expect(rested.parked?.map(({ why }) => why)).toEqual(["ask"])
    const replies: Reply[] = [{ path: rested.parked![0]!.path, how: "answered", value: true }]
    const done = await resume(world.engine(store, lent), rested.run, { grants: grants(), replies })
    expect(done.outcome).toMatchObject({ ok: true, value: { it: "ok" } })
  })
})
