/** Claims about runs: what a plan gives is what its graph means, answers are judged, bounds hold, and what was recorded is replayed. */

import { Draw } from "../../gate/mod.ts"
import {
  type Awaitable,
  evaluateGraph,
  type Outcome,
  type Rec,
  sameOutcome,
  T,
  type Type,
  toFailure,
  type Value,
} from "../../graph/mod.ts"
import { KernelError, type LedgerStore, type Row } from "../../kernel/mod.ts"
import { replay, resume } from "../engine/again.ts"
import { MemoryLedger } from "../ledger/memory.ts"
import type { Checked, Claim, Depth } from "./claim.ts"
import { engineOf, given, nothingSeen, planOf, probe, type Seen, withProbe } from "./tools.ts"

/** Graphs with every form of control, over whatever their inputs hold. */
export const GRAPHS: readonly string[] = [
  "graph: sums\ninput: { a: number, b: number }\nnodes:\n  s: { expr: input.a + input.b * 2 }\n  t: { probe: p, with: { x: '${s}' } }\noutput: '[s, t]'\n",
  "graph: lists\ninput: { xs: [number] }\nnodes:\n  m: { map: input.xs, as: x, do: { expr: x * x - 1 } }\n  f: { fold: m, from: 0, do: { expr: acc + item } }\noutput: '[f, size(m)]'\n",
  "graph: choices\ninput: { a: number, s: string }\nnodes:\n  w: { when: input.a > 0, then: { probe: p, with: { x: '${input.s}' } }, else: { expr: \"input.s + '!'\" } }\noutput: w\n",
  "graph: reads\ninput: { xs: [string] }\nnodes:\n  m: { map: input.xs, as: x, parallel: 4, do: { probe: p, with: { x: '${x}' } } }\noutput: m\n",
  "graph: writes\ninput: { a: string, b: string }\nnodes:\n  u: { probe: p, effect: write, with: { x: '${input.a}' } }\n  v: { probe: p, effect: write, after: u, with: { x: '${input.b}' } }\noutput: '[u, v]'\n",
  "graph: failing\ninput: { xs: [number] }\nnodes:\n  h: { expr: 'input.xs[2]', catch: { expr: '0.0 - 1.0' } }\n  g: { probe: q, with: { x: '${h}' } }\noutput: g\n",
  "graph: looping\ninput: { n: number }\nnodes:\n  l: { loop: 0, while: state < 7, max: 20, do: { nodes: { b: { probe: p, with: { x: '${state}' } } }, output: state + 1 } }\noutput: l\n",
]

/** What the tools of these checks answer: their argument; `q` fails for an argument below zero. */
const answer = (args: Rec, place: string): Value => {
  if (place === "q" && typeof args["x"] === "number" && args["x"] < 0) throw toFailure({ _tag: "Negative" })
  return given(args)
}
export const kindsFor = (seen: Seen) =>
  withProbe(probe(seen, { answer: (args, _, config) => answer(args, String(config["probe"])) }))

async function equality({ thorough, seed }: Depth): Promise<Checked> {
  const draw = new Draw(seed)
  const wrong: string[] = []
  let tried = 0
  for (const text of GRAPHS) {
    const kinds = kindsFor(nothingSeen())
    const { checked, bytes } = planOf(text, kinds)
    const engines = [engineOf(kinds, { codegen: false }), engineOf(kinds, { codegen: true })]
    for (let i = 0; i < (thorough ? 300 : 30); i++) {
      const input = draw.value(checked.input)
      const world = {
        call: ({ node, args }: { node: { config: Rec }; args: Value }) =>
          answer(args as Rec, String(node.config["probe"])),
      }
      const meant = await evaluateGraph(checked, input, world)
      for (const [n, engine] of engines.entries()) {
        const got = await (await engine.prepare(bytes, { grants: checked.needs })).run(input)
        tried++
        const same = sameOutcome(got.outcome, meant.outcome) && (!meant.outcome.ok || got.trace === meant.trace)
        if (!same)
          wrong.push(
            `${checked.graph.name}, ${n === 0 ? "interpreted" : "as code"}: ${told(got.outcome)}, not ${told(meant.outcome)}`,
          )
      }
    }
    await Promise.all(engines.map((e) => e.close()))
  }
  return { tried, what: "runs of plans", how: "sample", wrong }
}
const told = (o: Outcome): string => (o.ok ? "a value" : o.failure.code)

/** Answers that are no numbers never come out of a port that is one. */
async function judged(): Promise<Checked> {
  const trap = {
    get x(): never {
      throw new TypeError("do not look")
    },
  }
  const answers: readonly unknown[] = [
    ...[
      "1",
      true,
      null,
      {},
      [],
      [1],
      Number,
      Symbol("1"),
      new Date(0),
      new Map(),
      trap,
      new Proxy(
        {},
        {
          get: () => {
            throw trap
          },
        },
      ),
    ],
    ...[{ valueOf: () => 1 }, Promise.resolve("1"), Promise.reject(new TypeError("no")), 2n ** 60n + 1n],
  ]
  const types: readonly Type[] = [T.number, T.list(T.number), T.record({ x: T.number })]
  const wrong: string[] = []
  let tried = 0
  for (const output of types) {
    for (const given of answers) {
      if (output.kind === "list" && Array.isArray(given)) continue
      const kinds = withProbe(probe(nothingSeen(), { output, answer: () => given }))
      const engine = engineOf(kinds)
      const { checked, bytes } = planOf("graph: g\nnodes:\n  a: { probe: p }\noutput: a\n", kinds)
      const { outcome } = await (await engine.prepare(bytes, { grants: checked.needs })).run({})
      tried++
      if (outcome.ok) wrong.push(`answer ${tried} was taken for ${output.kind}`)
      await engine.close()
    }
  }
  return { tried, what: "wrong answers", how: "every", wrong }
}

const STEPS = `graph: steps
nodes:
  r: { probe: p }
  u: { probe: q, effect: write, with: { x: '\${r}' } }
  v: { probe: q, effect: write, after: u, with: { x: 2 } }
  s: { probe: p, after: v, with: { x: 3 } }
  w: { probe: q, effect: write, after: [v, s], with: { x: '\${s}' } }
output: '[u, v, w]'
`

/** A store that dies at an entry: that one is not kept, nor is any after it. */
export function dying(kept: LedgerStore, after: number): LedgerStore & { readonly intents: number } {
  let left = after
  let intents = 0
  return {
    get intents() {
      return intents
    },
    append: (row: Row): Awaitable<void> => {
      if (left-- <= 0) throw new KernelError({ reason: "storage", message: "the disk is gone" })
      if (row.kind === "intent") intents++
      return kept.append(row)
    },
    runs: (...args) => kept.runs(...args),
    entries: (...args) => kept.entries(...args),
    parked: (...args) => kept.parked(...args),
    putBlob: (...args) => kept.putBlob(...args),
    getBlob: (...args) => kept.getBlob(...args),
    close: () => {},
  }
}

/**
 * The store dies at each entry in turn. No write was sent without its intent on record; resumed by a new engine over what
 * was kept, the run ends like one that was never stopped, and each write has arrived once by its key.
 */
async function stopped(): Promise<Checked> {
  const wrong: string[] = []
  const whole = await ran(new MemoryLedger(), nothingSeen())
  let tried = 0
  for (let after = 0; after < whole.entries; after++, tried++) {
    const memory = new MemoryLedger()
    const store = dying(memory, after)
    const seen = nothingSeen()
    const sent = await ran(store, seen).then(
      () => "ran on",
      () => "stopped",
    )
    if (sent !== "stopped") wrong.push(`entry ${after} was lost, and the run went on`)
    const writes = seen.calls.filter((c) => c.effect === "write").length
    if (writes > store.intents) wrong.push(`entry ${after}: ${writes} writes were sent on ${store.intents} intents`)
    const [head] = await memory.runs("", 1)
    if (head === undefined) continue
    const kinds = kindsFor(seen)
    const engine = engineOf(kinds, { store: memory, parks: true })
    const again = await resume(engine, head.run, { grants: planOf(STEPS, kinds).checked.needs })
    if (!again.outcome.ok || again.trace !== whole.trace) wrong.push(`entry ${after}: it went on to another end`)
    const keys = new Map<string, Set<string>>()
    for (const { effect, key, path } of seen.calls)
      if (effect === "write") keys.set(path, (keys.get(path) ?? new Set()).add(key))
    if (keys.size !== 3 || [...keys.values()].some((k) => k.size !== 1))
      wrong.push(`entry ${after}: a write arrived under two keys, or never`)
    await engine.close()
  }
  return { tried, what: "stops, one at each entry", how: "every", wrong }
}

async function ran(store: LedgerStore, seen: Seen) {
  const kinds = kindsFor(seen)
  const engine = engineOf(kinds, { store, parks: true })
  const { checked, bytes } = planOf(STEPS, kinds)
  const { trace, ledger, run } = await (await engine.prepare(bytes, { grants: checked.needs })).run({})
  return { trace, run, engine, entries: ledger.position + 1 }
}

/** Replayed from the record: the same trace, and no tool is asked. */
async function replayed(): Promise<Checked> {
  const wrong: string[] = []
  const seen = nothingSeen()
  const kinds = kindsFor(seen)
  const engine = engineOf(kinds, { parks: true })
  let tried = 0
  for (const text of [STEPS, ...GRAPHS]) {
    const { checked, bytes } = planOf(text, kinds)
    const { run, trace } = await (await engine.prepare(bytes, { grants: checked.needs })).run(
      new Draw(new Uint8Array(16)).value(checked.input),
    )
    const before = seen.calls.length
    const again = await replay(engine, run)
    tried++
    if (!again.same || again.trace !== trace) wrong.push(`${checked.graph.name}: its replay differs`)
    if (seen.calls.length > before) wrong.push(`${checked.graph.name}: its replay touched a tool`)
  }
  await engine.close()
  return { tried, what: "runs", how: "every", wrong }
}

/** Fuel ends a run at the same place, whether interpreted or as code; a budget of calls is never exceeded. */
async function bounded({ thorough }: Depth): Promise<Checked> {
  const wrong: string[] = []
  let tried = 0
  const text =
    "graph: g\nnodes:\n  l: { loop: 0, while: state < 9, max: 20, do: { nodes: { b: { probe: p, with: { x: '${state}' } } }, output: b + 1 } }\noutput: l\n"
  const seen = nothingSeen()
  const kinds = withProbe(probe(seen, { output: T.number }))
  const { checked, bytes } = planOf(text, kinds)
  const engines = [engineOf(kinds, { codegen: false }), engineOf(kinds, { codegen: true })]
  const ready = await Promise.all(engines.map((e) => e.prepare(bytes, { grants: checked.needs })))
  const [calm, quick] = [ready[0]!, ready[1]!]
  for (let fuel = 1; fuel <= (thorough ? 200 : 60); fuel++, tried++) {
    const before = seen.calls.length
    const a = await calm.run({}, { fuel })
    const between = seen.calls.length
    const b = await quick.run({}, { fuel })
    const alike = between - before === seen.calls.length - between && sameOutcome(a.outcome, b.outcome)
    if (!alike) wrong.push(`fuel ${fuel}: ${told(a.outcome)} interpreted, ${told(b.outcome)} as code`)
  }
  for (let calls = 1; calls <= 10; calls++, tried++) {
    const before = seen.calls.length
    const { outcome } = await quick.run({}, { budget: { calls } })
    const made = seen.calls.length - before
    if (made > calls || outcome.ok !== calls >= 9)
      wrong.push(`a budget of ${calls} calls: ${made} were made, ${told(outcome)}`)
  }
  await Promise.all(engines.map((e) => e.close()))
  return { tried, what: "bounds", how: "every", wrong }
}

export const RUNNING: readonly Claim[] = [
  {
    name: "compiled is evaluated",
    says: "A plan gives the value and the trace hash that its graph means, interpreted and as code.",
    check: equality,
  },
  { name: "judged answers", says: "An answer that its port does not take never gets into a run.", check: judged },
  {
    name: "recorded first",
    says: "No write without its intent on record; a run stopped at any entry goes on to the same end, each write under one key.",
    check: stopped,
  },
  {
    name: "replay",
    says: "A run is computed again from its record, without a tool, to the same trace hash.",
    check: replayed,
  },
  {
    name: "bounds of runs",
    says: "Fuel ends a run at the same place in both machines; a budget of calls is not exceeded.",
    check: bounded,
  },
]
