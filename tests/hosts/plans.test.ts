// The same hundred plans give the same trace hash on Bun, Deno, Node, workerd and in Chromium: runs of the examples, recorded
// here with the files, databases, servers and the model that took part, and computed again there; and random graphs of the
// laws, compiled once and run there. METRICS: how many of the five agree.
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { join } from "node:path"
import { compile } from "../../compile/mod.ts"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import { check, Evaluation, encode } from "../../graph/mod.ts"
import { openHistory } from "../../kernel/mod.ts"
import { shadowgraphHere } from "../cli/here.ts"
import { Chance } from "../laws/chance.ts"
import { someGraph } from "../laws/graphs.ts"
import { digest, kinds } from "../laws/runs.ts"
import { someInputValue } from "../laws/values.ts"
import { worldOf } from "../laws/world.ts"
import { root } from "../repository.ts"
import { parseTranscript } from "../transcript.ts"
import { Workbench } from "../workbench.ts"
import { HOSTS, Stand } from "./launch.ts"
import answer, { type Answer, type Case, type Recorded, type RowText } from "./traces.ts"

const PLANS = 100
/** Examples whose tools are of the kinds that ship: expressions, files, SQL, control, HTTP and its failures, a model. */
const EXAMPLES = ["01-hello", "03-files-and-sql", "06-control", "07-failures", "11-model"]
const HOST_MS_MAX = 180_000

const stand = new Stand()
let program: string
const recorded: Recorded[] = []
/** Traces of the recorded runs, as they were. */
const wanted: string[] = []
const cases: Case[] = []
/** What the reference evaluator says of each random graph; undefined where that depends on which failure came first. */
const law: (string | undefined)[] = []
/** What this process says. */
let here: Answer
const agreeing = new Set<string>()

const base64 = (bytes: Uint8Array): string => Buffer.from(bytes).toString("base64")

beforeAll(async () => {
  for (const name of EXAMPLES) await example(name)
  for (let i = 0; cases.length + recorded.length < PLANS; i++) await random(`hosts.${i}`)
  program = await stand.program("tests/hosts/traces.ts")
  here = await answer({ cases, recorded })
}, HOST_MS_MAX)
afterAll(async () => {
  await stand.close()
  console.log(`METRICS ${JSON.stringify({ "edge.hosts_with_same_trace": agreeing.size })}`)
})

async function random(seed: string): Promise<void> {
  const { checked } = check(someGraph(seed), { registry: kinds })
  if (checked === undefined) return
  const input = someInputValue(new Chance(`${seed} input`), checked.input)
  const { outcome, trace } = await new Evaluation(checked, worldOf(checked.graph)).run(input)
  const caught = JSON.stringify([...checked.nodes.keys()].map((node) => Object.keys(node.scopes))).includes('"catch"')
  cases.push({ seed, plan: base64(compile(checked).bytes), needs: checked.needs, input: base64(encode(input)) })
  law.push(outcome.ok && !caught ? trace : undefined)
}

/** Does what the example's page does, with the servers it does it with, and takes the record of every run that ended. */
async function example(name: string): Promise<void> {
  const bench = await Workbench.open(join(root, "examples", name))
  try {
    const page = readFileSync(join(root, "examples", name, "expected.txt"), "utf8")
    for (const { command, keys } of parseTranscript(page)) {
      if (command.startsWith("npx bun ")) await bench.run(command, keys)
      const [, words] = /^npx shadowgraph (run .*)$/.exec(command) ?? []
      if (words !== undefined) await shadowgraphHere(bench.folder, ...wordsOf(words), "--yes")
    }
    const storage = new SqliteStorage({ file: join(bench.folder, ".shadowgraph/ledger.db") })
    const ledger = await SqlLedger.open({ storage })
    for (const { run } of await ledger.runs("", 100)) await take(ledger, run)
    await ledger.close()
  } finally {
    bench.close()
  }
}

/** Words as a shell parts them. */
const wordsOf = (line: string): readonly string[] =>
  (line.match(/(?:[^\s']|'[^']*')+/g) ?? []).map((word) => word.replaceAll("'", ""))

async function take(ledger: SqlLedger, run: string): Promise<void> {
  const chain = await ledger.entries("", run)
  const { end, plan, pins } = openHistory(chain, { digest, space: "", run })
  if (end === undefined) return
  const blobs: (readonly [string, string])[] = []
  for (const hash of [plan, pins]) if (hash !== null) blobs.push([hash, base64((await ledger.getBlob(hash))!)])
  const text = (bytes: Uint8Array | null | undefined) => (bytes ? base64(bytes) : null)
  const rows = chain.rows.map(
    ({ seq, kind, entry, data, hash, asked, told }): RowText => ({
      seq,
      kind,
      entry: base64(entry),
      data: text(data),
      hash: base64(hash),
      asked: text(asked),
      told: text(told),
    }),
  )
  recorded.push({ run, rows, blobs })
  wanted.push(end.trace)
}

test("of the plans here: each recorded run comes to what it came to, each graph to what the evaluator says", () => {
  expect(cases.length + recorded.length).toBe(PLANS)
  expect(recorded.length).toBeGreaterThanOrEqual(8)
  expect(here.replayed).toEqual(wanted)
  expect(law.filter((trace) => trace !== undefined).length).toBeGreaterThan(PLANS / 4)
  expect(here.traces.map((trace, i) => (law[i] === undefined ? undefined : trace))).toEqual(law)
  expect(new Set(here.traces).size).toBeGreaterThan(PLANS / 2)
})

// At once: each host is a process of its own.
describe.concurrent("the same hundred traces", () => {
  for (const kind of HOSTS) {
    const { name, missing } = kind
    if (missing !== undefined) console.log(`Skipped: the plans on ${name}, because ${missing}`)
    test.skipIf(missing !== undefined)(
      `on ${name}`,
      async () => {
        const host = await stand.start(kind, program)
        const found = (await host.ask({ cases, recorded })) as Answer
        expect(found.replayed).toEqual(wanted)
        expect(found.traces).toEqual(here.traces as string[])
        // Workers may not make code: there the interpreter takes over by itself.
        expect(found.translates).toBe(name !== "workerd")
        agreeing.add(name)
      },
      HOST_MS_MAX,
    )
  }
})
