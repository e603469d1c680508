// Schedules and hooks as a person meets them: what `check` says of the project's file, line by line; `serve` that runs them as
// a process; `schedules` that shows what comes and what came.
import { afterAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { createHmac } from "node:crypto"
import { writeFileSync } from "node:fs"
import * as http from "node:http"
import { join } from "node:path"
import { SqliteStorage } from "../../deploy/mod.ts"
import { folderWith, type Running, shadowgraph, start } from "./command.ts"

setDefaultTimeout(60_000)

const running: Running[] = []
afterAll(() => {
  for (const server of running) server.signal("SIGKILL")
})

const SUM = `graph: sum
input: { a: number, by?: string }
nodes:
  sum: { expr: input.a + 1 }
output: sum
`
const project = (data: object) => `${JSON.stringify(data, null, 2)}\n`

describe("check", () => {
  test("says every mistake of the project's file at its place", async () => {
    const folder = folderWith({
      "sum.graph.yaml": SUM,
      "shadowgraph.project.json": `{
  "schedules": {
    "Morning": { "graph": "sum", "cron": "0 7 * * 1-5" },
    "a": { "graph": "sum", "cron": "61 * * * *", "timezone": "Europe/Zurch", "crom": 1 },
    "b": { "cron": "0 0 30 2 *", "missed": "twice", "input": { "a": "\${ tick. }" } }
  },
  "hooks": {
    "c": { "graph": "sum", "signature": "githab", "secret": "hunter2", "tolerance": "soon", "grants": ["nett:"] }
  }
}
`,
    })
    const { exit, err } = await shadowgraph(folder, "check")
    expect(exit).toBe(1)
    const heads = err.split("\n").filter((line) => line.startsWith("error G"))
    expect(heads.map((line) => line.replace(/ {2}\S*shadowgraph\.project\.json/, ""))).toEqual([
      "error G008:3:16  schedules.Morning",
      "error G002:4:78  schedules.a.crom",
      "error G401:4:62  schedules.a.timezone",
      "error G401:4:36  schedules.a.cron",
      "error G005:5:10  schedules.b",
      "error G401:5:20  schedules.b.cron",
      "error G008:5:44  schedules.b.missed",
      "error G103:5:79  schedules.b.input.a",
      "error G008:8:41  hooks.c.signature",
      "error G008:8:61  hooks.c.secret",
      "error G008:8:85  hooks.c.tolerance",
      "error G306:8:104  hooks.c.grants[0]",
    ])
    for (const words of [
      "Write Europe/Zurich.",
      'Write "cron".',
      'Write "github".',
      "such a day never comes",
      "secret:GITHUB_HOOK",
    ])
      expect(err).toContain(words)
    expect((await shadowgraph(folder, "serve", "--port", "0")).exit).toBe(1)
    expect((await shadowgraph(folder, "explain", "G401")).out).toContain("day of the month")
  })

  test("holds inputs against the graphs that they start", async () => {
    const hook = { graph: "sum", signature: "github", secret: "secret:S" }
    const folder = folderWith({
      "sum.graph.yaml": SUM,
      "shadowgraph.project.json": project({
        schedules: {
          none: { graph: "sun", cron: "@daily" },
          text: { graph: "sum", cron: "@daily", input: { a: "1" } },
          typed: { graph: "sum", cron: "@daily", input: { a: "${ tick.time }" } },
          field: { graph: "sum", cron: "@daily", input: { a: "${ tick.minute }" } },
          good: { graph: "sum", cron: "@daily", input: { a: "${ tick.ms }", by: "clock ${ tick.local }" } },
        },
        hooks: {
          bad: { ...hook, body: "{ size: number }", input: { a: "${ body.sise }" } },
          when: { ...hook, when: "body.size + 1", input: { a: 1 } },
          apart: { ...hook, delivery: "[1]", input: { a: 1 } },
          lacks: { ...hook, input: { by: "${ body.x }" } },
          good: { ...hook, input: { a: "${ body.size }" }, when: "headers['x'] == 'y'" },
        },
      }),
    })
    const { exit, err } = await shadowgraph(folder, "check")
    expect(exit).toBe(1)
    const found = err.split("\n").flatMap((line) => /^error (G\d+).*\d {2}(\S+)$/.exec(line)?.slice(1).join(" ") ?? [])
    expect(found.sort()).toEqual([
      "G017 hooks.bad.input.a",
      "G017 schedules.field.input.a",
      "G101 hooks.apart.delivery",
      "G101 hooks.lacks.input",
      "G101 hooks.when.when",
      "G101 schedules.text.input.a",
      "G101 schedules.typed.input",
      "G402 schedules.none.graph",
    ])
    expect(err).toContain('Write "sum".')
    // Where only some graphs are named, the others may be elsewhere.
    const some = await shadowgraph(folder, "check", "sum.graph.yaml")
    expect(some.err).not.toContain("G402")
  })
})

test("what a hook sends is not the user's text: where the policy does not want it, it does not go", async () => {
  const hook = { graph: "go", signature: "github", secret: "secret:S" }
  const folder = folderWith({
    "go.graph.yaml": `graph: go
input: { url: string, n?: number }
nodes:
  gone: { fn: ./go.ts#go, with: { target: "\${ input.url }" }, sinks: { target: url }, effect: read, output: string }
output: gone
`,
    "go.ts": "export const go = ({ target }: { target: string }) => target\n",
    "shadowgraph.project.json": project({
      hooks: {
        theirs: { ...hook, input: { url: "${ body.url }" } },
        ours: { ...hook, input: { url: "https://example.com" } },
      },
    }),
  })
  const { exit, err } = await shadowgraph(folder, "check")
  expect(exit).toBe(1)
  expect(err).toMatch(/error G305.*hooks\.theirs\.input/)
  expect(err).not.toContain("hooks.ours")
  const allowing = /allow tool hook:theirs text into url at go\.gone/
  expect(err).toMatch(allowing)
  const refused = await shadowgraph(folder, "serve", "--port", "0", "-y")
  expect([refused.exit, refused.err]).toEqual([1, expect.stringMatching(allowing)])
  expect((await shadowgraph(folder, "check", "--policy", allowing.exec(err)![0])).exit).toBe(0)
})

describe("serve", () => {
  test("runs what was missed, answers hooks, and `schedules` shows both ends", async () => {
    const text = project({
      schedules: {
        daily: {
          graph: "sum",
          cron: "0 7 * * *",
          timezone: "Europe/Zurich",
          missed: "once",
          input: { a: 1, by: "${ tick.local }" },
        },
      },
      hooks: {
        pushed: { graph: "sum", signature: "github", secret: "secret:HOOK_SECRET", input: { a: "${ body.size }" } },
        elsewhere: { graph: "other", signature: "github", secret: "secret:HOOK_SECRET" },
      },
    })
    const other = "graph: other\nnodes:\n  t: { read_file: ./a.txt }\noutput: t\n"
    const folder = folderWith({ "sum.graph.yaml": SUM, "other.graph.yaml": other, "shadowgraph.project.json": text })
    const before = await shadowgraph(folder, "schedules")
    expect(before.out).toContain("daily  sum  0 7 * * *  Europe/Zurich\n  next  20")
    expect(before.out).toContain("it has not run yet")
    const env = { HOOK_SECRET: "hush" }
    const serve = async () => {
      const server = start(folder, ["serve", "--port", "0"], { env })
      running.push(server)
      await server.said("cron")
      return server
    }
    const first = await serve()
    first.signal("SIGINT")
    expect((await first.done).exit).toBe(0)
    // As if it had been stopped three days ago.
    const ledger = new SqliteStorage({ file: join(folder, ".shadowgraph/ledger.db") })
    ledger.batch([["UPDATE ledger_mark SET seen = seen - 3 * 86400000", []]])
    ledger.close()

    const second = await serve()
    await second.said("ended")
    const said = await second.output()
    expect(said).toContain("cron daily  starts sum at 0 7 * * *, Europe/Zurich")
    expect(said).toMatch(/POST http:\S+\/hooks\/pushed/)
    expect(said).toContain("elsewhere cannot start other  not granted: fs:read:.")
    const port = Number(/127\.0\.0\.1:(\d+)/.exec(said)![1])
    const body = '{"size": 41}'
    const signature = `sha256=${createHmac("sha256", "hush").update(body).digest("hex")}`
    const post = () =>
      new Promise<readonly [number, { readonly run: string }]>((resolve, reject) => {
        const headers = {
          // As it comes through a tunnel.
          host: "hooks.example.com",
          "content-type": "application/json",
          "x-hub-signature-256": signature,
          "x-github-delivery": "8d3b",
        }
        const request = http.request(
          { port, host: "127.0.0.1", method: "POST", path: "/hooks/pushed", headers },
          (r) => {
            let text = ""
            r.on("data", (chunk) => (text += chunk))
            r.on("end", () => resolve([r.statusCode!, JSON.parse(text)]))
          },
        )
        request.on("error", reject)
        request.end(body)
      })
    const [status, { run }] = await post()
    expect(status).toBe(202)
    expect((await post())[0]).toBe(200)
    await second.said("hook  pushed")
    second.signal("SIGINT")
    await second.done

    const shown = JSON.parse((await shadowgraph(folder, "schedules", "--json", "-n", "2")).out)
    expect(shown).toMatchObject([{ schedule: "daily", last: [{ state: "ok" }] }])
    expect(shown[0].next).toHaveLength(2)
    expect(shown[0].last).toHaveLength(1)
    const tick = shown[0].last[0]
    const entries = async (id: string) => JSON.parse((await shadowgraph(folder, "runs", id, "--json")).out).entries
    expect((await entries(tick.run))[0].data.by).toMatch(/^20\d\d-\d\d-\d\dT07:00$/)
    expect((await entries(run)).at(-1)).toMatchObject({ kind: "end", data: 42 })
    expect((await shadowgraph(folder, "schedules")).out).toContain(tick.run)
  })

  test("without schedules, and with a mistake on the command line", async () => {
    const folder = folderWith({ "sum.graph.yaml": SUM })
    expect((await shadowgraph(folder, "schedules")).out).toContain("No schedules")
    expect((await shadowgraph(folder, "schedules", "--limit", "0")).exit).toBe(2)
    writeFileSync(join(folder, "shadowgraph.project.json"), '{ "schedule": {} }')
    expect((await shadowgraph(folder, "schedules")).err).toContain('no key "schedule"')
  })
})
