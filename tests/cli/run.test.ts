// `check`, `lock`, `compile` and `run` as a user runs them: a real process on real files, a real database, a real MCP
// server over stdio and a real HTTP server.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { copyFileSync, existsSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { shadowgraph, start } from "./command.ts"
import { openShop, type Shop } from "./shop.ts"

// Processes are started, servers among them, on a machine that may be busy.
setDefaultTimeout(60_000)

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  const locked = await shadowgraph(shop.folder, "lock")
  expect(locked).toEqual({
    exit: 0,
    out: "+ mcp:files/read_text_file\nok  shadowgraph.lock  1 pin\n",
    err: "asks files: node node_modules/@modelcontextprotocol/server-filesystem/dist/index.js ./data\n",
  })
})

const sg = (...words: string[]) => shadowgraph(shop.folder, ...words)
const needs = () => ["mcp:files/read_text_file", `net:${shop.rates}`, "sql:shop:read"]

describe("check", () => {
  test("a sound graph, and what it needs", async () => {
    expect(await sg("check")).toEqual({
      exit: 0,
      out: `ok  quote.graph.yaml  8 nodes, needs ${needs().join(" ")}\n`,
      err: "",
    })
    expect((await sg("check", "quote", "--needs")).out).toBe(`needs: [${needs().join(", ")}]\n`)
  })

  test("every mistake at its place, exit 1", async () => {
    const file = join(shop.folder, "wrong.graph.yaml")
    writeFileSync(
      file,
      readFileSync(join(shop.folder, "quote.graph.yaml"), "utf8").replace("line.weight_kg *", "line.weight *"),
    )
    const { exit, out, err } = await sg("check", "wrong.graph.yaml")
    expect({ exit, out }).toEqual({ exit: 1, out: "" })
    expect(err).toContain("error G017  wrong.graph.yaml:34:13  nodes.cost.do.expr")
    expect(err).toContain('line has no field "weight".')
    expect(err.endsWith("1 problem in 1 file\n")).toBe(true)
    const json = JSON.parse((await sg("check", "wrong.graph.yaml", "--json")).out)
    expect(json).toMatchObject({ ok: false, problems: [{ code: "G017", place: { line: 34, column: 13 } }] })
  })
})

describe("run", () => {
  const quoted = { amount: 10.5 * 1.5 * 1.25, currency: "USD" }

  test("without a terminal a missing grant is exit 3 and the line to add", async () => {
    const { exit, out, err } = await sg("run", "quote", "order=A17", "currency=USD")
    expect({ exit, out }).toEqual({ exit: 3, out: "" })
    expect(err).toContain(
      `shadowgraph run quote order=A17 currency=USD ${needs()
        .map((n) => `--grant ${n}`)
        .join(" ")}`,
    )
    expect(err).toContain(`or "grants": ${JSON.stringify(needs())} in shadowgraph.project.json`)
    expect(shop.asked).toEqual([])
  })

  test("a pipe gets the result alone; --json one object", async () => {
    expect(
      await sg(
        "run",
        "quote",
        "order=A17",
        "currency=USD",
        "-g",
        "mcp:files",
        "-g",
        `net:${shop.rates}`,
        "-g",
        "sql:shop",
      ),
    ).toEqual({
      exit: 0,
      out: `${JSON.stringify(quoted).replace("{", "{ ").replaceAll(":", ": ").replace(",", ", ").replace("}", " }")}\n`,
      err: "",
    })
    const { out } = await sg("run", "quote", "order=A17", "currency=USD", "--yes", "--json")
    expect(JSON.parse(out)).toMatchObject({ ok: true, output: quoted, reads: 3, writes: 0 })
  })

  test("a plan gives what its graph gives, with the same trace", async () => {
    const compiled = await sg("compile", "quote.graph.yaml")
    expect(compiled.exit).toBe(0)
    expect(compiled.out).toMatch(/^ok {2}quote\.plan {2}\d+ steps, [\d.]+ kB, [0-9a-f]{12}…\n$/)
    const [plan, graph] = await Promise.all(
      ["quote.plan", "quote.graph.yaml"].map(async (file) =>
        JSON.parse((await sg("run", file, "order=A17", "currency=USD", "-y", "--json")).out),
      ),
    )
    expect(plan.output).toEqual(quoted)
    expect(plan.trace).toBe(graph.trace)
  })

  test("grants of the project's file count; the ledger lies beside it, out of the repository", async () => {
    writeFileSync(join(shop.folder, "shadowgraph.project.json"), JSON.stringify({ grants: needs() }))
    const { exit } = await sg("run", "quote", "order=A17", "currency=EUR")
    expect(exit).toBe(0)
    expect(existsSync(join(shop.folder, ".shadowgraph", "ledger.db"))).toBe(true)
    expect(readFileSync(join(shop.folder, ".shadowgraph", ".gitignore"), "utf8")).toBe("*\n")
  })

  test("the input from a file, from standard input, and by words on top", async () => {
    writeFileSync(join(shop.folder, "order.json"), '{ "order": "A17", "currency": "EUR" }')
    const amount = async (...words: string[]) => JSON.parse((await sg("run", "quote", "-y", ...words)).out).amount
    expect(await amount("--input", "order.json")).toBe(15.75)
    expect(await amount("--input", "order.json", "margin=2")).toBe(21)
    const piped = start(shop.folder, ["run", "quote", "-y", "--input", "-"], {
      stdin: '{ "order": "B2", "currency": "EUR" }',
    })
    expect(JSON.parse((await piped.done).out).amount).toBe(0.75 * 1.5)
  })

  test("inputs that are missing or wrong are named together, exit 2", async () => {
    const { exit, out, err } = await sg("run", "quote", "currency=DKK", "margn=2", "-y")
    expect({ exit, out }).toEqual({ exit: 2, out: "" })
    expect(err).toContain('"margn" is no input of this graph')
    expect(err).toContain('currency cannot be read: wanted EUR | USD | GBP, found "DKK"')
    expect(err).toContain("order is missing: wanted string")
    expect(err).toContain("It takes currency=EUR|USD|GBP [margin=1.5] order=<string>")
  })

  test("a failure of the graph is exit 1, with where and why", async () => {
    // The folder where the server finds none of its files; its tools are pinned as before.
    copyFileSync(join(shop.folder, "shadowgraph.lock"), join(shop.folder, "data/shadowgraph.lock"))
    const { exit, out, err } = await sg(
      "run",
      "quote",
      "order=A17",
      "currency=USD",
      "-y",
      "--in",
      join(shop.folder, "data"),
    )
    expect({ exit, out }).toEqual({ exit: 1, out: "" })
    expect(err).toMatch(/^failed {2}\w+ at \w+\n/)
  })
})

/** Processes that were started in a folder and are alive, but for those of this test itself. */
const serversOf = (folder: string): readonly string[] =>
  (existsSync("/proc") ? readdirSync("/proc") : [])
    .filter((pid) => /^\d+$/.test(pid))
    .flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")
        return readlinkSync(`/proc/${pid}/cwd`) === folder && words.some((w) => w.includes("server-filesystem"))
          ? [pid]
          : []
      } catch {
        return []
      }
    })

describe("interruption", () => {
  test("Ctrl-C stops the tools, closes the ledger, exit 130", async () => {
    writeFileSync(
      join(shop.folder, "hang.graph.yaml"),
      `graph: hang
servers:
  files: { stdio: [node, node_modules/@modelcontextprotocol/server-filesystem/dist/index.js, ./data], reads: [read_text_file] }
nodes:
  tariff: { mcp: files/read_text_file, with: { path: tariff.json }, parse: json, output: { per_kg: number } }
  wait: { http: "GET http://${shop.rates}/hang", output: string, after: tariff }
output: [tariff.per_kg, wait]
`,
    )
    const running = start(shop.folder, ["run", "hang", "-y"])
    while (!shop.asked.includes("GET /hang")) await new Promise((wake) => setTimeout(wake, 20))
    if (existsSync("/proc")) expect(serversOf(shop.folder)).toHaveLength(1)
    running.signal("SIGINT")
    expect(await running.done).toEqual({ exit: 130, out: "", err: "stopped  interrupted\n" })
    expect(serversOf(shop.folder)).toEqual([])
    const again = await sg("run", "quote", "order=A17", "currency=EUR", "-y")
    expect(again.exit).toBe(0)
    const [, stopped] = JSON.parse((await sg("runs", "--json")).out)
    expect(stopped).toMatchObject({ outcome: "Cancelled", reads: 1 })
  })

  test("a deadline ends a run that takes too long", async () => {
    expect(await sg("run", "hang", "-y", "--timeout", "200ms")).toEqual({
      exit: 1,
      out: "",
      err: "stopped  the run did not end within 200ms\n",
    })
  })
})

describe("words", () => {
  test("unknown commands and options offer the nearest one, exit 2", async () => {
    const unknown = await sg("chekc")
    expect(unknown.exit).toBe(2)
    expect(unknown.err).toContain('There is no command "chekc"')
    expect(unknown.err).toContain("Did you mean check?")
    const option = await sg("run", "quote", "--grnat", "x")
    expect(option.exit).toBe(2)
    expect(option.err).toContain("Did you mean --grant?")
  })

  test("no stack trace unless asked for", async () => {
    const plain = await sg("run", "nowhere")
    expect(plain.err).toContain('Cannot find "nowhere"')
    expect(plain.err).not.toContain(".ts:")
    expect((await sg("run", "nowhere", "--trace-errors")).err).toContain("source.ts:")
  })
})

describe("a record that cannot be kept", () => {
  test("is told before anything runs, with what else to do", async () => {
    const ledger = join(shop.folder, ".shadowgraph", "ledger.db")
    for (const end of ["", "-wal", "-shm"]) rmSync(ledger + end, { force: true })
    writeFileSync(ledger, "this is no database, but it is long enough to be read as the header of one ".repeat(4))
    const before = shop.asked.length
    const { exit, out, err } = await sg("run", "quote", "order=A17", "currency=EUR", "-y")
    expect({ exit, out }).toEqual({ exit: 1, out: "" })
    expect(err).toContain("file is not a database")
    expect(err).toContain("--ledger memory runs without a record in a file")
    expect(shop.asked.length).toBe(before)
    expect((await sg("run", "quote", "order=A17", "currency=EUR", "-y", "--ledger", "memory")).exit).toBe(0)
  })
})
