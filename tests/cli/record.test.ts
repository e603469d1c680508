/** Recording by the command: real calls into the log, nothing unasked, no secrets, and a verdict that a script can read. */
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { folderWith, start } from "./command.ts"

const CALC = `graph: calc
input: { a: number, b: number, op: add | sub | mul }
nodes:
  r:
    fn: ./calc.js#calc
    with: { a: "\${ input.a }", b: "\${ input.b }", op: "\${ input.op }" }
    effect: pure
    output: number
output: r
`
const CODE = `export function calc({ a, b, op }) { return op === "add" ? a + b : op === "sub" ? a - b : a * b }
export async function login({ user, password }) { return { user, token: "t-" + password, ok: password.length > 3 } }
export function put() { return null }
export function size({ data, n }) { return BigInt(data.length) + n }
`
const LOGIN = `graph: login
input: { user: string, password: string }
nodes:
  r:
    fn: ./calc.js#login
    effect: read
    resource: host:login
    secrets: [input.password, output.token]
    with: { user: "\${ input.user }", password: "\${ input.password }" }
    output: { user: string, token: string, ok: boolean }
output: r.ok
`
const PUT = `graph: put
input: { a: number }
nodes:
  r: { fn: ./calc.js#put, with: { a: "\${ input.a }" }, output: "null" }
output: r
`
const SIZE = `graph: size
input: { data: bytes, n: int64 }
nodes:
  r:
    fn: ./calc.js#size
    with: { data: "\${ input.data }", n: "\${ input.n }" }
    effect: pure
    output: int64
output: r
`
const files = {
  "calc.graph.yaml": CALC,
  "calc.js": CODE,
  "login.graph.yaml": LOGIN,
  "put.graph.yaml": PUT,
  "size.graph.yaml": SIZE,
}
const did = async (folder: string, ...words: string[]) => start(folder, words).done

describe("record", () => {
  test("drives a graph with inputs of its schema, the same ones each time, and says what is on record", async () => {
    const folder = folderWith(files)
    const first = await did(folder, "record", "calc", "--calls", "400", "--json")
    expect(JSON.parse(first.out)).toMatchObject({ tools: ["fn:./calc.js#calc"], calls: 400, runs: 400, failures: {} })
    await did(folder, "record", "calc", "--calls", "400")
    const shown = await did(folder, "record", "show", "fn:./calc.js#calc", "--json")
    expect(shown.exit).toBe(0)
    const look = JSON.parse(shown.out)
    expect(look).toMatchObject({ calls: 800, contradicted: 0, refusals: [] })
    expect(look.inputs).toBeLessThanOrEqual(400)
    expect((await did(folder, "record", "ls")).out).toContain("800 calls")

    // Other code is another version, and has to be recorded anew.
    writeFileSync(join(folder, "calc.js"), CODE.replace("a + b", "a + b + 0.5"))
    await did(folder, "record", "calc", "--calls", "20")
    const changed = await did(folder, "record", "show", "fn:./calc.js#calc")
    expect(changed.exit).toBe(1)
    expect(changed.out).toContain("too-few")
    expect(changed.out).toContain("1 other versions are on record")
    expect((await did(folder, "record", "forget", "fn:./calc.js#calc")).out).toContain("Forgot 820 calls")
  })

  test("other commands record nothing unless the project says so", async () => {
    const folder = folderWith(files)
    const words = ["run", "calc", "a=1", "b=2", "op=add", "--ledger", "memory"]
    expect((await did(folder, ...words)).out).toBe("3\n")
    expect(existsSync(join(folder, ".shadowgraph", "calls.db"))).toBe(false)
    writeFileSync(join(folder, "shadowgraph.project.json"), JSON.stringify({ record: ["fn:*"] }))
    expect((await did(folder, ...words)).out).toBe("3\n")
    expect((await did(folder, "record", "ls")).out).toContain("1 calls")
  })

  test("takes inputs from a file, as run does: bytes are base64 there", async () => {
    const folder = folderWith(files)
    const line = JSON.stringify({ data: btoa("four"), n: 5 })
    writeFileSync(join(folder, "in.jsonl"), `${line}\n${line.replace("5", "6")}\n`)
    writeFileSync(join(folder, "in.json"), line)
    expect((await did(folder, "run", "size", "-i", "in.json", "--ledger", "memory")).out).toBe("9\n")
    const driven = await did(folder, "record", "size", "--inputs", "in.jsonl", "--json")
    expect(JSON.parse(driven.out)).toMatchObject({ calls: 2, failures: {} })
  })

  test("writes no secret down", async () => {
    const folder = folderWith(files)
    writeFileSync(
      join(folder, "in.jsonl"),
      '{"user":"ann","password":"hunter22"}\n{"user":"bob","password":"swordfish"}\n',
    )
    const done = await did(folder, "record", "login", "--inputs", "in.jsonl", "-y")
    expect(done.out).toContain("Recorded 2 calls")
    const bytes = readFileSync(join(folder, ".shadowgraph", "calls.db")).toString("latin1")
    for (const word of ["hunter22", "swordfish"]) expect(bytes).not.toContain(word)
    expect(bytes).toContain("ann")
    expect(bytes).toContain("[redacted]")
  })

  test("refuses what would change the world, a tool that is not there, and broken inputs", async () => {
    const folder = folderWith(files)
    const write = await did(folder, "record", "put", "-y")
    expect([write.exit, write.err]).toEqual([1, expect.stringContaining("This graph writes (fn)")])
    const tool = await did(folder, "record", "calc", "--tool", "fn:./calc.js#calx")
    expect([tool.exit, tool.err]).toEqual([2, expect.stringContaining("Did you mean fn:./calc.js#calc?")])
    writeFileSync(join(folder, "in.jsonl"), '{"a":1}\noops\n')
    const broken = await did(folder, "record", "calc", "--inputs", "in.jsonl")
    expect([broken.exit, broken.err]).toEqual([1, expect.stringContaining("in.jsonl:2")])
    const calls = await did(folder, "record", "calc", "--calls", "many")
    expect([calls.exit, calls.err]).toEqual([2, expect.stringContaining('found "many"')])
  })

  test("imports calls: all of a file, or nothing, or all but the broken lines", async () => {
    const folder = folderWith({ "calls.jsonl": '{"args":{"a":1},"result":2}\nnope\n{"args":{"a":2},"result":4}\n' })
    const refused = await did(folder, "record", "import", "calls.jsonl", "--tool", "fn:t")
    expect([refused.exit, refused.err]).toEqual([1, expect.stringContaining("calls.jsonl:2")])
    expect((await did(folder, "record", "ls")).out).toBe("No calls are on record here.\n")
    const rest = await did(folder, "record", "import", "calls.jsonl", "--tool", "fn:t", "--skip-broken")
    expect(rest.out).toBe("Imported 2 calls of fn:t.\n")
  })
})
