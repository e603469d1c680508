// Looking ahead changes nothing: every graph of the examples, its reads all marked, runs alone and looking ahead in one
// seeded world, with shadows good and bad; value, trace hash and writes are the same. Tools are spoken by the world, each
// with an answer of the type that the graph gives it; what is pure runs for real.
import { readdirSync } from "node:fs"
import { join } from "node:path"
import { load, Odds, SPECULATION, type Speculation } from "../../bus/mod.ts"
import { Vm } from "../../bus/vm.ts"
import { compile } from "../../compile/mod.ts"
import { MemoryLedger } from "../../deploy/ledger/memory.ts"
import { loadGraph, openHost, openProject, sourceOf } from "../../deploy/mod.ts"
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
} from "../../graph/mod.ts"
import { type Admitted, admit, openEntry, openRun } from "../../kernel/mod.ts"
import { Chance } from "../laws/chance.ts"
import { driven, SeededClock } from "../laws/stage.ts"
import { someInputValue, someValue } from "../laws/values.ts"

const home = join(import.meta.dirname, "../../examples")

/** What is installed there, or was written by a run: `npm start` leaves a graph of its own. */
const MADE = /\/(node_modules|\.shadowgraph)(\/|$)/

/** Graph files of the examples. */
export const files = readdirSync(home, { recursive: true, withFileTypes: true })
  .filter((f) => f.isFile() && f.name.endsWith(".graph.yaml") && !MADE.test(f.parentPath.slice(home.length)))
  .map((f) => join(f.parentPath, f.name))
  // Two are there to be refused.
  .filter((f) => !f.endsWith("02-a-mistake/quote.graph.yaml") && !f.endsWith("14-injection/offer.graph.yaml"))
  .sort()
const RUNS = 12

/** What an example is called. */
export const nameOf = (file: string): string => file.slice(home.length + 1)

export interface Found {
  runs: number
  /** Runs that ended in a value, and could be compared: after a failure what else had happened by then depends on time. */
  values: number
  guesses: number
  wrong: number
  /** What came otherwise looking ahead. */
  readonly differences: string[]
}
export const nothing = (): Found => ({ runs: 0, values: 0, guesses: 0, wrong: 0, differences: [] })

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

/** Runs an example alone and looking ahead, on inputs that chance draws, and adds to what was found. */
export async function lookAhead(file: string, found: Found): Promise<void> {
  const folder = join(file, "..")
  const project = await openProject(folder)
  const { checked: plain } = await loadGraph(sourceOf(file, folder), project, { cwd: folder })
  const signatureOf = (node: Node) => plain!.nodes.get(node)?.signature
  const options = { registry: project.registry as Registry, pin: pin(project.lock), policy: project.policy }
  const { checked, problems } = check(marked(plain!.graph, signatureOf), options)
  const errors = problems.filter((p) => p.severity === "error").map((p) => p.message)
  if (checked === undefined || errors.length > 0) throw new RangeError(`${nameOf(file)}: ${errors.join(", ")}`)
  const admitted = admit(compile(checked).bytes, {
    registry: project.registry,
    grants: checked.needs,
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
    const input = someInputValue(new Chance(`${file.slice(home.length)} ${i}`), checked.input)
    const alone = await once(admitted, pure, input, `alone ${i}`, false)
    const ahead = await once(admitted, pure, input, `ahead ${i}`, true)
    found.runs++
    const differs = (what: string) => found.differences.push(`${nameOf(file)}, run ${i}: ${what}`)
    if (ahead.outcome.ok !== alone.outcome.ok) differs("one of the two fails")
    if (!alone.outcome.ok || !ahead.outcome.ok) continue
    found.values++
    found.guesses += ahead.guesses.length
    found.wrong += ahead.guesses.filter((kept) => !kept).length
    if (hex(hashValue(ahead.outcome.value)) !== hex(hashValue(alone.outcome.value))) differs("another value")
    if (ahead.trace !== alone.trace) differs("another trace hash")
    if (ahead.writes.join("\n") !== alone.writes.join("\n")) differs("other writes")
  }
  await host.close()
}
