/** What a run leaves in the call log: every committed call of a tool that was asked for, once; and nothing else. */
import { describe, expect, test } from "bun:test"
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import { fail, type Shadow, type Shadows, type Value } from "../../graph/mod.ts"
import { callsOn, MemoryCallLog } from "../../learn/mod.ts"
import { kindsOf } from "../../tests/machine/machine.ts"
import { sure, TestShadow } from "../../tests/machine/shadows.ts"
import { LookingEngine } from "../engine/looking_engine.ts"
import { systemClock } from "../services/clock.ts"
import { Recorder } from "./recorder.ts"
import { namesTool, toolName, toolVersion } from "./tool_name.ts"

const chance = { next: () => 0, bytes: (n: number) => new Uint8Array(n) }

function world(text: string, tools: readonly string[], shadow?: Shadow) {
  let failures = 1
  const called: unknown[] = []
  const code = {
    f: async ({ n }: { readonly n: number }) => {
      called.push(n)
      return n + 1
    },
    flaky: async ({ n }: { readonly n: number }) => {
      if (failures-- > 0) throw fail("Unreachable", "not now", { retryable: true })
      return n
    },
    broken: async () => {
      throw fail("ToolError", "no secret42 here", { data: { text: "secret42" } })
    },
    pure: ({ n }: { readonly n: number }) => n * 2,
  }
  const registry = kindsOf(code)
  const { checked, problems } = checkFile({ file: "g.graph.yaml", text }, { registry })
  if (checked === undefined) throw new TypeError(JSON.stringify(problems))
  const log = new MemoryCallLog()
  const clock = systemClock
  const shadows: Shadows = { of: () => shadow }
  const services = { clock, chance, ...(shadow ? { shadows } : {}) }
  const recorder = new Recorder({ log, clock, tools, words: () => ["secret42"] })
  const engine = new LookingEngine({ registry, services, recorder, ...(shadow ? { speculate: {} } : {}) })
  const run = async (input: Value) => {
    const ready = await engine.prepare(compile(checked).bytes, { grants: checked.needs })
    return await ready.run(input)
  }
  const seen = (tool: string) => [...callsOn(log, "", tool)].map(({ args, outcome }) => [args, outcome])
  return { run, seen, log, engine, called }
}

const one = (kind: string, more = "") => `graph: g
input: { n: number }
nodes:
  a: { ${kind}, with: { n: "\${ input.n }" }, output: number${more} }
output: a
`

describe("a run", () => {
  test("leaves what it committed, under the tool's name, and nothing of tools that nobody asked for", async () => {
    const text = `graph: g
input: { n: number }
nodes:
  a: { read: f, with: { n: "\${ input.n }" }, output: number }
  b: { read: flaky, with: { n: "\${ a }" }, output: number }
output: b
`
    const { run, seen, log, engine } = world(text, ["read:f"])
    await run({ n: 1 })
    await run({ n: 5 })
    expect(log.tools("").map(({ tool, calls }) => [tool, calls])).toEqual([["read:f", 2]])
    expect(seen("read:f")).toEqual([
      [{ n: 1 }, { ok: true, value: 2 }],
      [{ n: 5 }, { ok: true, value: 6 }],
    ])
    await engine.close()
  })

  test("leaves one call where there were two attempts, and none where a cache answered", async () => {
    const flaky = world(one("read: flaky", ", retry: 2"), ["*"])
    expect((await flaky.run({ n: 3 })).outcome).toEqual({ ok: true, value: 3 })
    expect(flaky.seen("read:flaky")).toEqual([[{ n: 3 }, { ok: true, value: 3 }]])
    const cached = world(one("read: f", ", cache: 1h"), ["*"])
    for (let i = 0; i < 3; i++) await cached.run({ n: 1 })
    expect(cached.called).toHaveLength(1)
    expect(cached.seen("read:f")).toHaveLength(1)
  })

  test("leaves failures without the secrets that they quote", async () => {
    const { run, seen } = world(one("read: broken"), ["read:*"])
    expect((await run({ n: 1 })).outcome.ok).toBe(false)
    const failed = { ok: false, code: "ToolError", message: "no [redacted] here", data: { text: "[redacted]" } }
    expect(seen("read:broken")).toEqual([[{ n: 1 }, failed]])
  })

  test("leaves what pure functions answered; its trace is the same as without a recorder", async () => {
    const { run, seen } = world(one("pure: pure"), ["pure:pure"])
    const { trace } = await run({ n: 4 })
    expect(seen("pure:pure")).toEqual([[{ n: 4 }, { ok: true, value: 8 }]])
    const plain = world(one("pure: pure"), [])
    expect((await plain.run({ n: 4 })).trace).toBe(trace)
    expect(plain.log.tools("")).toEqual([])
  })

  test("that looks ahead leaves what it committed once, and nothing of what it let go of", async () => {
    const text = `graph: g
input: { n: number }
nodes:
  a: { read: f, on: "at:a", with: { n: "\${ input.n }" }, output: number }
  b: { read: f, on: "at:b", with: { n: "\${ a }" }, output: number, speculate: true }
output: b
`
    for (const [guess, calls] of [
      [2, [1, 2]],
      [70, [1, 70, 2]],
    ] as const) {
      const { run, seen, called } = world(
        text,
        ["*"],
        new TestShadow((args) => sure((args as { n: number }).n === 1 ? guess : 3)),
      )
      expect((await run({ n: 1 })).outcome).toEqual({ ok: true, value: 3 })
      expect(called).toEqual([...calls])
      expect(seen("read:f")).toEqual([
        [{ n: 1 }, { ok: true, value: 2 }],
        [{ n: 2 }, { ok: true, value: 3 }],
      ])
    }
  })
})

describe("the name of a tool", () => {
  test("says what is called", () => {
    const name = (kind: string, config: { readonly [key: string]: Value }) => toolName({ kind, config })
    expect(name("mcp", { mcp: "files/read" })).toBe("mcp:files/read")
    expect(name("fn", { code: "./t.ts#f", effect: "pure" })).toBe("fn:./t.ts#f")
    expect(name("http", { method: "GET", url: ["https://h/", "/x"] })).toBe("http:GET https://h/{}/x")
    expect(name("sql", { sql: "shop", query: "select 1" })).toMatch(/^sql:shop#[0-9a-f]{12}$/)
    expect(name("sql", { sql: "shop", query: "select 2" })).not.toBe(name("sql", { sql: "shop", query: "select 1" }))
    expect(name("script", { script: "export default 1" })).toMatch(/^script#[0-9a-f]{12}$/)
  })

  test("is asked for by itself or by how it begins", () => {
    expect(namesTool(["mcp:files/*"], "mcp:files/read")).toBe(true)
    expect(namesTool(["mcp:files"], "mcp:files/read")).toBe(false)
    expect(namesTool(["*"], "anything")).toBe(true)
    expect(namesTool([], "anything")).toBe(false)
  })

  test("comes with a version: its pin, and what changes its answers", () => {
    const version = (config: { readonly [key: string]: Value }, pin: { readonly [key: string]: Value }) =>
      toolVersion({ claim: { kind: "mcp", config }, signature: { pins: { "mcp:s/t": pin } } } as never, { graph: "g" })
    const mcp = { mcp: "s/t" }
    expect(version(mcp, { hash: "h1" })).toBe("h1")
    expect(version({ ...mcp, effect: "read" }, { hash: "h1" })).toBe("h1")
    expect(version({ ...mcp, parse: "text" }, { hash: "h1" })).toBe("h1")
    expect(version({ ...mcp, parse: "text" }, { hash: "h1", output: {} })).not.toBe("h1")
    expect(version({ ...mcp, parse: "json" }, { hash: "h1" })).not.toBe(
      version({ ...mcp, parse: "json" }, { hash: "h2" }),
    )
  })
})
