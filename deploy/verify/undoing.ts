/** The claim about undoing: what is taken back is the end of what was done, each once, wherever a process stops. */
import { evaluateGraph, type Rec, toFailure, type Value } from "../../graph/mod.ts"
import { KernelError, type LedgerStore } from "../../kernel/mod.ts"
import { resume, undo } from "../engine/again.ts"
import { MemoryLedger } from "../ledger/memory.ts"
import type { Checked, Claim } from "./claim.ts"
import { dying } from "./running.ts"
import { engineOf, given, nothingSeen, planOf, probe, type Seen, withProbe } from "./tools.ts"

/** Writes in a row, in a map and in a choice, each with an undo; the last one fails where its input says so. */
const TRIP = `graph: trip
on_failure: undo
input: { fails: boolean }
nodes:
  a: { probe: p, effect: write, with: { x: 1 }, undo: { probe: p, effect: write, with: { x: '\${out}' } } }
  m: { map: '[2, 3]', do: { probe: p, effect: write, with: { x: '\${item}' }, undo: { probe: p, effect: write, with: { x: '\${args.x}' } } }, after: a }
  w: { when: size(m) > 1, then: { probe: q, effect: write, with: { x: '\${a}' }, undo: { probe: q, effect: write, with: { x: '\${[out, args.x]}' } } }, after: m, else: { expr: 0 } }
  z: { probe: p, effect: write, with: { x: '\${input.fails ? "no" : "yes"}' }, after: w }
output: z
`
const UNDONE = ["w.then.undo", "m.1.do.undo", "m.0.do.undo", "a.undo"]

const answer = (args: Rec): Value => {
  if (args["x"] === "no") throw toFailure({ _tag: "Negative" })
  return given(args)
}
const kindsFor = (seen: Seen) => withProbe(probe(seen, { answer }))
const undosOf = (seen: Seen) => seen.calls.filter(({ path }) => path.endsWith(".undo"))

/** Lives one run, undone because it fails or because somebody asks, as often as its process dies. Gives its trace. */
async function undone(fails: boolean, store: LedgerStore, after: LedgerStore, seen: Seen): Promise<string> {
  const kinds = kindsFor(seen)
  const { checked, bytes } = planOf(TRIP, kinds)
  const grants = checked.needs
  const id = "run"
  let engine = engineOf(kinds, { store, parks: true })
  for (let lives = 0; ; lives++) {
    try {
      const { rows } = await engine.store.entries("", id)
      const end = rows.length > 0 && (await engine.history(id)).end !== undefined
      const result =
        rows.length === 0
          ? await (await engine.prepare(bytes, { grants })).run({ fails }, { id })
          : end
            ? await undo(engine, id, { grants })
            : await resume(engine, id, { grants })
      if (result.undone !== undefined || fails) return result.trace
    } catch (cause) {
      if (!(cause instanceof KernelError) || lives > 5) throw cause
      // A new process, on a store that holds.
      engine = engineOf(kinds, { store: after, parks: true })
      await engine.prepare(bytes, { grants })
    }
  }
}

async function backwards(): Promise<Checked> {
  const wrong: string[] = []
  let tried = 0
  for (const fails of [true, false]) {
    const meant = await evaluateGraph(
      planOf(TRIP, kindsFor(nothingSeen())).checked,
      { fails },
      { call: ({ args }) => answer(args as Rec) },
      { undo: true },
    )
    const whole = new MemoryLedger()
    await undone(fails, whole, whole, nothingSeen())
    const entries = whole.entries("", "run").rows.length
    for (let stop = 0; stop <= entries; stop++, tried++) {
      const memory = new MemoryLedger()
      const seen = nothingSeen()
      const trace = await undone(fails, dying(memory, stop), memory, seen)
      const at = `${fails ? "failed" : "asked"}, stopped at entry ${stop}`
      if (trace !== meant.trace) wrong.push(`${at}: it ended in another trace than its graph means`)
      const calls = undosOf(seen)
      // A keyed tool may hear one request twice: by its key it is one.
      const order = calls.filter(({ key }, i) => calls.findIndex((c) => c.key === key) === i).map(({ path }) => path)
      if (order.join() !== UNDONE.join()) wrong.push(`${at}: undone were ${order.join(", ") || "none"}`)
      const again = await undo(engineOf(kindsFor(seen), { store: memory, parks: true }), "run", {
        grants: ["app:place:p", "app:place:q"],
      }).then(
        () => "undone twice",
        () => "",
      )
      if (again !== "") wrong.push(`${at}: ${again}`)
    }
  }
  return { tried, what: "stops, one at each entry", how: "every", wrong }
}

export const UNDOING: readonly Claim[] = [
  {
    name: "undone backwards",
    says: "A run that is undone takes back what it did, the latest first, each write once, wherever its process stops.",
    check: backwards,
  },
]
