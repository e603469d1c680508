// Rehearsals: what a test file may say, what is said about one that is wrong, time that does not pass, and cases that
// must pass and must fail, through the engine and the definition alike.
import { describe, expect, test } from "bun:test"
import { checkFile } from "../../graph/file/mod.ts"
import { DEFAULT_POLICY, EMPTY_LOCK, type NodeKind, printProblemShort, registry, T } from "../../graph/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import type { Project } from "../project/project.ts"
import { readTestFile } from "./cases.ts"
import { RehearsalClock } from "./clock.ts"
import { differences } from "./differences.ts"
import { type Rehearsed, rehearse, stageOf } from "./rehearse.ts"

const problemsOf = (text: string): string[] => {
  const read = readTestFile("t.test.yaml", text)
  return "problems" in read ? read.problems.map(printProblemShort) : []
}

describe("reading", () => {
  test("every mistake with its place, all at once", () => {
    expect(
      problemsOf(`graf: x
cases:
  - name: 7
    inputs: {}
    faults: { a: nothing, b: { delay: soon }, c: { times: 2 }, d: { fail: lower } }
    tools: { x: { $twice: 1 }, y: { $expr: "1 +" } }
    output: 1
    failure: No
    effects: [{ a: 1, b: 2 }]
`),
    ).toEqual([
      'error G002 t.test.yaml:1:1 graf: A test file has no key "graf". Known: graph, cases.',
      'error G002 t.test.yaml:4:5 cases[0].inputs: A case has no key "inputs". Known: name, input, tools, faults, output, failure, effects, check. Write input:',
      "error G008 t.test.yaml:3:11 cases[0].name: `name` is a text.",
      "error G008 t.test.yaml:8:14 cases[0].failure: A case ends in an `output` or in a `failure`, not in both.",
      "error G008 t.test.yaml:9:15 cases[0].effects[0]: A call is a node's name, or { name: arguments }.",
      "error G008 t.test.yaml:6:17 cases[0].tools.x: \"$twice\" is no way to answer. Write a value, { $each: [first, second] }, { $expr: 'args.x + 1' } or { $value: … }.",
      expect.stringContaining("error G103 t.test.yaml:6:44 cases[0].tools.y.$expr:"),
      'error G008 t.test.yaml:5:18 cases[0].faults.a: "nothing" is no fault. Write timeout, die, or { fail: Code }.',
      'error G008 t.test.yaml:5:39 cases[0].faults.b.delay: "soon" is no time. Write 200ms or 2s.',
      "error G008 t.test.yaml:5:50 cases[0].faults.c: Nothing goes wrong here. Write fail:, delay:, timeout: true or die: true.",
      "error G008 t.test.yaml:5:75 cases[0].faults.d.fail: `fail` is the code of a failure, such as HttpStatus.",
    ])
  })

  test.each(["", "- 1", "cases: 3", "cases: [", "cases: [{a: 1, a: 2}]", "a: &a [*a]", `cases: ${"[".repeat(2000)}`])(
    "never throws: %p",
    (text) => {
      expect(problemsOf(text).length).toBeGreaterThan(0)
    },
  )
})

test("the clock: nobody waits, and everything happens in the order of time", async () => {
  const clock = new RehearsalClock()
  const order: string[] = []
  const after = async (ms: number, name: string) => {
    await clock.sleep(ms)
    order.push(`${name} at ${clock.tick()}`)
  }
  const stop = new AbortController()
  const stopped = clock.sleep(50, stop.signal).catch(() => order.push("stopped"))
  stop.abort()
  await Promise.all([
    after(3_600_000, "hour"),
    after(10, "ten"),
    after(20, "twenty").then(() => after(5, "more")),
    stopped,
  ])
  expect(order).toEqual(["stopped", "ten at 10", "twenty at 20", "more at 25", "hour at 3600000"])
})

test("differences name the places, and forgive the last digits", () => {
  expect(differences({ a: 0.3, b: [1, 2], c: "x" }, { a: 0.1 + 0.2, b: [1, 3, 4], d: null })).toEqual([
    "b[1]: expected 2, found 3",
    "b[2]: expected nothing, found 4",
    'c: expected "x", found nothing',
    "d: expected nothing, found null",
  ])
  expect(differences(1, 1 + 1e-6)).toHaveLength(1)
  expect(differences({ x: Number.NaN, n: -0 }, { x: Number.NaN, n: 0 })).toEqual([])
  expect(
    differences(
      Array.from({ length: 9 }, () => 0),
      Array.from({ length: 9 }, () => 1),
    ).at(-1),
  ).toBe("and 4 more differences")
})

// ---- whole cases

/** A pure kind that is not pure. */
let flips = 0
const flip: NodeKind = {
  kind: "flip",
  about: "Says that it is pure.",
  main: { form: "static", type: T.string, about: "" },
  fields: {},
  takesWith: false,
  sign: () => ({ effect: "pure", resource: null, needs: [], output: T.number, async: false }),
  open: () => ({ execute: () => flips++ }),
}

const graph = `graph: shop
input: { ids: "[string]", currency: EUR | USD = "EUR" }
databases: { shop: "sqlite:./nowhere.db" }
nodes:
  rates:
    http: GET https://rates.example.com/latest
    output: { rates: { "*": number } }
    timeout: 2s
    retry: 2
  price:
    map: input.ids
    as: id
    parallel: 8
    do: { sql: shop, query: "select price from items where id = :id", with: { id: "\${ id }" }, one: true, output: { price: number } }
  sum: { expr: "price.map(p, p.price).sum() * rates.rates[input.currency]" }
  note:
    http: POST https://log.example.com/sums
    body: { sum: "\${ sum }" }
    output: null
    catch: "null"
  at: { now: iso }
output: { sum: sum, at: at }
`
const project: Project = {
  folder: "/nowhere",
  registry: registry(...standardKinds.values(), flip),
  lock: EMPTY_LOCK,
  file: { grants: [], kinds: [] },
  policy: DEFAULT_POLICY,
}
function stage(text: string) {
  const { checked, problems } = checkFile({ file: "shop.graph.yaml", text }, { registry: project.registry })
  if (checked === undefined) throw new TypeError(problems.map(printProblemShort).join("\n"))
  return stageOf(checked, project, {})
}
const shop = stage(graph)

async function play(cases: string): Promise<readonly Rehearsed[]> {
  const read = readTestFile("shop.test.yaml", `cases:\n${cases}`)
  if ("problems" in read) throw new TypeError(read.problems.map(printProblemShort).join("\n"))
  const played: Rehearsed[] = []
  for (const one of read.test.cases) played.push(await rehearse(shop, one))
  return played
}
const wrongOf = (played: readonly Rehearsed[]) => played.flatMap((r) => r.wrong)

const TOOLS = `tools: { rates: { rates: { EUR: 1, USD: 2 } }, price.do: { $expr: "{'price': args.id == 'a' ? 1.5 : 2.0}" }, note: null }`

describe("cases that pass", () => {
  test("answers by node, computed from arguments; effects with arguments; checks", async () => {
    const played = await play(
      `
  - input: { ids: [a, b], currency: USD }
    ${TOOLS}
    effects: [rates, "price[0].do": { id: a }, "price.do": { id: b }, note, at]
    check: [output.sum == 7.0, "output.at.startsWith('2026-01-01')"]
`.replace(
        /effects: \[(.*)\]/,
        (_, all: string) => `effects: [${all.replace(/("[^"]+"): (\{[^}]*\})/g, "{ $1: $2 }")}]`,
      ),
    )
    expect(wrongOf(played)).toEqual([])
    expect(played[0]!.effects.map((e) => e.path.join("."))).toEqual(["rates", "price.0.do", "price.1.do", "note", "at"])
  })

  test("answers by tool, and in turn by item", async () => {
    expect(
      wrongOf(
        await play(`
  - input: { ids: [x, y] }
    tools: { "net:rates.example.com": { rates: { EUR: 10 } }, "sql:shop:read": { $each: [{ price: 1 }, { price: 2 }] }, http: null, now: then }
    output: { sum: 30, at: then }
`),
      ),
    ).toEqual([])
  })

  test("late twice, then there: the timeout of an attempt, and its retries", async () => {
    expect(
      wrongOf(
        await play(`
  - input: { ids: [] }
    ${TOOLS}
    faults: { rates: { delay: 3s, times: 2 } }
    check: output.sum == 0.0
  - input: { ids: [] }
    ${TOOLS}
    faults: { rates: timeout }
    failure: { code: Timeout, at: rates, data: { ms: 2000 } }
  - input: { ids: [] }
    ${TOOLS}
    faults: { rates: { delay: 1900ms } }
    check: output.sum == 0.0
`),
      ),
    ).toEqual([])
  })

  test("failures: retried, for good, dead, and caught by the graph", async () => {
    expect(
      wrongOf(
        await play(`
  - input: { ids: [] }
    ${TOOLS}
    faults: { rates: { fail: HttpStatus, data: { status: 503 }, times: 2 }, note: { fail: HttpStatus, data: { status: 500 } } }
    check: output.sum == 0.0
  - input: { ids: [] }
    ${TOOLS}
    faults: { rates: { fail: HttpStatus, data: { status: 404 }, retryable: false } }
    failure: { code: HttpStatus, data: { status: 404 } }
    effects: [rates]
  - input: { ids: [] }
    ${TOOLS}
    faults: { rates: die }
    failure: Unreachable
`),
      ),
    ).toEqual([])
  })
})

describe("cases that fail, with the reason", () => {
  test("another output, another failure, other effects, a check that does not hold", async () => {
    const played = await play(
      `
  - { input: { ids: [a] }, ${TOOLS}, output: { sum: 2, at: x } }
  - { input: { ids: [a] }, ${TOOLS}, failure: Timeout }
  - { input: { ids: [a] }, ${TOOLS}, effects: [rates, note: { sum: 9 }] }
  - { input: { ids: [a] }, ${TOOLS}, check: "output.sum > 5.0" }
  - { input: { ids: 7 }, ${TOOLS} }
`.replace("note: { sum: 9 }", "{ note: { sum: 9 } }"),
    )
    expect(played.map((r) => r.wrong)).toEqual([
      ["output  sum: expected 2, found 1.5", 'output  at: expected "x", found "2026-01-01T00:00:00.000Z"'],
      [expect.stringContaining("failure  expected Timeout, found the output")],
      [
        expect.stringContaining("effects[1]  expected note, found price[0].do"),
        expect.stringContaining("effects[2]  expected nothing more, found note"),
        expect.stringContaining("effects[3]  expected nothing more, found at"),
      ],
      ["check  output.sum > 5.0  is false"],
      [expect.stringContaining("input  ")],
    ])
  })

  test("a call that nothing answers is named, even where the graph catches its failure", async () => {
    const [one] = await play(`
  - { input: { ids: [] }, tools: { rates: { rates: { EUR: 1 } } } }
`)
    expect(one!.wrong).toEqual([
      "note  is called (write host:log.example.com), and nothing says what it answers; write tools: { note: … }",
    ])
  })

  test("an answer of another type is refused as the tool's would be", async () => {
    const [one] = await play(`
  - { input: { ids: [] }, tools: { rates: { rates: { EUR: much } }, note: null }, failure: Mismatch }
`)
    expect(one!.wrong).toEqual([])
  })

  test("a pure function that is none", async () => {
    const impure = stage("graph: g\nnodes:\n  x: { flip: it }\noutput: x\n")
    const read = readTestFile("g.test.yaml", "cases: [{ name: one }]")
    if ("problems" in read) throw new TypeError()
    const { wrong } = await rehearse(impure, read.test.cases[0]!)
    expect(wrong[0]).toMatch(/^x {2}is declared pure, and gave \d and \d for one input$/)
    // That the two ways of running it differ as well is no defect of theirs.
    expect(wrong.join()).not.toContain("a defect of shadowgraph")
  })
})
