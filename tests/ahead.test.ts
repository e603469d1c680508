// Looking ahead changes nothing: every graph of the examples, its reads all marked, runs alone and looking ahead in one
// seeded world, with shadows good and bad; value, trace hash and writes are the same. Tools are spoken by the world, each
// with an answer of the type that the graph gives it; what is pure runs for real.
import { afterAll, describe, expect, test } from "bun:test"
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { load, Odds, SPECULATION, type Speculation } from "../bus/mod.ts"
import { Vm } from "../bus/vm.ts"
import { compile } from "../compile/mod.ts"
import { MemoryLedger } from "../deploy/ledger_memory.ts"
import { loadGraph, openHost, openProject, sourceOf } from "../deploy/mod.ts"
import {
  type Call,
  check,
  type Executor,
  encode,
  type Graph,
  hashValue,
  hex,
  type Node,
  pin,
  printPath,
  type Registry,
  type Scope,
  type Signature,
  sha256,
  type Type,
  type Value,
} from "../graph/mod.ts"
import { type Admitted, admit, openEntry, openRun } from "../kernel/mod.ts"
import { Chance } from "./laws/chance.ts"
import { driven, SeededClock } from "./laws/stage.ts"
import { someInputValue, someValue } from "./laws/values.ts"

const home = join(import.meta.dirname, "../examples")
const files = readdirSync(home, { recursive: true, withFileTypes: true })
  .filter((f) => f.isFile() && f.name.endsWith(".graph.yaml") && !f.parentPath.includes("node_modules"))
  .map((f) => join(f.parentPath, f.name))
  // Two are there to be refused.
  .filter((f) => !f.endsWith("02-a-mistake/quote.graph.yaml") && !f.endsWith("14-injection/offer.graph.yaml"))
  .sort()
const RUNS = 12
const total = { runs: 0, values: 0, guesses: 0, wrong: 0 }

/** The graph with every read marked that may be. */
function marked(graph: Graph, signatureOf: (node: Node) => Signature | undefined): Graph {
  const inScope = (scope: Scope): Scope => ({ ...scope, nodes: scope.nodes.map(inNode) })
  const inNode = (node: Node): Node => {
    const signature = signatureOf(node)
    const may = signature?.effect === "read" && signature.waits !== true
    return {
      ...node,
      scopes: Object.fromEntries(Object.entries(node.scopes).map(([role, scope]) => [role, inScope(scope)])),
      ...(node.graph === undefined ? {} : { graph: marked(node.graph, signatureOf) }),
      settings: may ? { ...node.settings, speculate: true } : node.settings,
    }
  }
  return { ...graph, body: inScope(graph.body) }
}

/** What a tool of the world answers: of its type, from what it is and was asked. */
const answerOf = (kind: string, type: Type, args: Value): Value =>
  someValue(new Chance(`${kind} ${hex(encode(args))}`), type.kind === "stream" ? type.of : type, false)

async function once(
  admitted: Admitted,
  pure: ReadonlyMap<number, Executor>,
  input: Value,
  seed: string,
  ahead: boolean,
) {
  const c = new Chance(seed)
  const clock = new SeededClock(c)
  const { types } = admitted.plan
  const executors = admitted.externs.map(({ claim }, i): Executor => {
    const type = types[claim.output]!
    if (claim.effect === "pure") return pure.get(i)!
    return {
      execute: async (args, call: Call) => {
        await clock.sleep(1 + c.below(20), claim.effect === "write" ? undefined : call.signal)
        const answer = answerOf(claim.kind, type, args)
        return type.kind === "stream" ? [answer][Symbol.iterator]() : answer
      },
    }
  })
  const store = new MemoryLedger()
  const record = openRun(admitted, { store, digest: sha256, clock, run: "r", space: "", input })
  const services = { clock, chance: { next: () => c.unit(), bytes: (n: number) => new Uint8Array(n) } }
  const right = c.of([100, 100, 70, 0])
  const speculation: Speculation | undefined = ahead
    ? {
        ...SPECULATION,
        costs: false,
        odds: new Odds(),
        onEarly: () => {},
        shadows: admitted.externs.map(({ claim }) => ({
          predict: (args) => {
            const value = c.percent(right)
              ? answerOf(claim.kind, types[claim.output]!, args)
              : someValue(c, types[claim.output]!, true)
            return { ok: true, value, by: "ab".repeat(32), alpha: 0.01, confidence: 1 }
          },
        })),
      }
    : undefined
  const answer = new Vm(load(admitted, executors, { codegen: true }), { services, record, speculation }).run(input)
  const outcome = answer instanceof Promise ? await driven(clock, answer) : answer
  const { trace } = record.end(outcome.ok ? outcome.value : outcome.failure) as { readonly trace: string }
  const writes: string[] = []
  const guesses: boolean[] = []
  for (const row of store.entries("", "r").rows) {
    const { body } = openEntry(row.entry)
    if (body.kind === "intent") writes.push(`${printPath(body.path)} ${hex(body.input)}`)
    if (body.kind === "guess" && (body.verdict === "kept" || body.verdict === "wrong"))
      guesses.push(body.verdict === "kept")
  }
  return { outcome, trace, writes: writes.sort(), guesses }
}

describe("every example", () => {
  for (const file of files) {
    test(file.slice(home.length + 1), async () => {
      const folder = join(file, "..")
      const project = await openProject(folder)
      const { checked: plain } = await loadGraph(sourceOf(file, folder), project, { cwd: folder })
      const signatureOf = (node: Node) => plain!.nodes.get(node)?.signature
      const options = { registry: project.registry as Registry, pin: pin(project.lock), policy: project.policy }
      const { checked, problems } = check(marked(plain!.graph, signatureOf), options)
      expect(problems.filter((p) => p.severity === "error")).toEqual([])
      const admitted = admit(compile(checked!).bytes, {
        registry: project.registry,
        grants: checked!.needs,
        pins: pin(project.lock),
        policy: project.policy,
        digest: sha256,
      })
      const host = openHost({ base: folder, secret: () => "none" })
      const pure = new Map<number, Executor>()
      for (const [i, x] of admitted.externs.entries()) {
        if (x.claim.effect !== "pure") continue
        const lent = { ...host.services, granted: () => true }
        pure.set(i, await x.kind.open(x.claim.config, admitted.plan.resources, lent, x.signature))
      }
      for (let i = 0; i < RUNS; i++) {
        const input = someInputValue(new Chance(`${file.slice(home.length)} ${i}`), checked!.input)
        const [alone, ahead] = [
          await once(admitted, pure, input, `alone ${i}`, false),
          await once(admitted, pure, input, `ahead ${i}`, true),
        ]
        total.runs++
        expect(ahead.outcome.ok).toBe(alone.outcome.ok)
        // After a failure what else had happened by then depends on time.
        if (!alone.outcome.ok || !ahead.outcome.ok) continue
        total.values++
        total.guesses += ahead.guesses.length
        total.wrong += ahead.guesses.filter((kept) => !kept).length
        expect(hex(hashValue(ahead.outcome.value))).toBe(hex(hashValue(alone.outcome.value)))
        expect(ahead.trace).toBe(alone.trace)
        expect(ahead.writes).toEqual(alone.writes)
      }
      await host.close()
    }, 120_000)
  }

  afterAll(() => {
    // It is worth something.
    expect(total.values).toBeGreaterThan(total.runs / 2)
    expect(total.guesses).toBeGreaterThan(50)
    expect(total.wrong).toBeGreaterThan(10)
  })
})
