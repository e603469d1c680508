/**
 * The reference evaluator: `semantics.md` as code. Slow, sequential and short on purpose; the compiler and the VM must
 * agree with it on every graph, and where they do not, they are wrong. It answers effects through a `World`, so it also
 * serves as replay: hand it the recorded outcomes and compare the trace hash.
 */
import { type Accept, accept, acceptStrict } from "./accept.ts"
import { acceptAnswer } from "./answer.ts"
import type { CheckedGraph } from "./checked.ts"
import { evaluate } from "./evaluate.ts"
import type { Expr } from "./expr.ts"
import { errorValue, type Failure, fail, toFailure } from "./failure.ts"
import { held } from "./held.ts"
import type { Graph, Node, Path, Scope } from "./ir.ts"
import { hasDefaults, liveNodes } from "./live.ts"
import { argLook, fromLook, roundLook, stateType } from "./looks.ts"
import type { Signature } from "./node.ts"
import { leafHash, type Outcome, outcomeHash, TraceTree, traceHash } from "./trace.ts"
import { type Fits, T, type Type } from "./type.ts"
import { type Delivery, deliveryOf, leastKnown, needsAnswer, UNDO, undoArgs, undoExpr, undoOf } from "./undo.ts"
import { validatorOf } from "./valid.ts"
import { verdictOf } from "./validator.ts"
import { decode, encode, hashValue, type Rec, sameValue, type Value } from "./value.ts"

/** One attempt of a tool or function. */
export interface Request {
  readonly node: Node
  readonly signature: Signature
  readonly args: Value
  readonly path: Path
  /** 1 for the first. */
  readonly attempt: number
  /** Runs a body of the node (`NodeKind.scopes`). */
  readonly invoke: (role: string, args: Rec) => Promise<Value>
}

/**
 * Everything outside the graph. `call` gives what the tool answers, as an executor does (an async iterable where the output
 * is a stream), or throws a `Failure`. A tool that takes longer than it may fails with `Timeout`: time is the world's.
 */
export interface World {
  readonly call: (request: Request) => unknown
}

export interface EffectRecord {
  readonly path: Path
  readonly effect: "read" | "write"
  readonly resource: string | null
  readonly args: Value
  readonly outcome: Outcome
  /** Of a write: what came of it. */
  readonly how?: Delivery
}

export interface Evaluated {
  readonly outcome: Outcome
  readonly trace: string
  /** In the order in which they happened here. */
  readonly effects: readonly EffectRecord[]
}

export interface EvaluateOptions {
  /** Takes back what was delivered whatever the graph comes to. Default: where it fails and says `on_failure: undo`. */
  readonly undo?: boolean
}

type Env = { readonly [name: string]: Value }

/** Runs a checked graph on an input. Resolves also when the graph fails: a failure is an outcome. */
export async function evaluateGraph(
  checked: CheckedGraph,
  input: Value,
  world: World,
  options: EvaluateOptions = {},
): Promise<Evaluated> {
  return await new Evaluation(checked, world).run(input, options)
}

/** A value that crosses a typed boundary: looked at only where the types leave something open. */
const bounded = (fits: Fits, type: Type | undefined, value: Value): Value =>
  type !== undefined && (fits !== "yes" || hasDefaults(type)) ? accept(type)(value) : value

/** A value as it comes back from the record, where its bytes alone are kept. */
const fromBytes = (type: Type | undefined, value: Value): Value => held(type ?? T.unknown, decode(encode(value)))
const seen = (type: Type | undefined, value: Value): Value => (type === undefined ? value : accept(type)(value))

const bodyPath = (base: Path, body: Scope): Path => (body.name === undefined ? base : [...base, body.name])

/** One run of the evaluator. */
export class Evaluation {
  readonly trace = new TraceTree()
  readonly effects: EffectRecord[] = []
  readonly checked: CheckedGraph
  readonly world: World
  /** Writes with an `undo` that may have been done, in the order in which they were. */
  readonly #undoable: { readonly node: Node; readonly effect: EffectRecord }[] = []

  constructor(checked: CheckedGraph, world: World) {
    this.checked = checked
    this.world = world
  }

  async run(input: Value, { undo }: EvaluateOptions = {}): Promise<Evaluated> {
    const { checked } = this
    let outcome: Outcome
    let taken: Value = input
    try {
      taken = acceptStrict(checked.input)(input)
      const value = await this.scope(checked.graph.body, { input: taken }, [])
      outcome = { ok: true, value: bounded(checked.outFits, checked.output, value) }
    } catch (cause) {
      outcome = { ok: false, failure: toFailure(cause) }
    }
    if (undo ?? (!outcome.ok && checked.graph.onFailure === "undo")) await this.undo()
    const trace = traceHash(checked.hash, hashValue(taken), this.trace.root(), outcomeHash(outcome))
    return { outcome, trace, effects: this.effects }
  }

  /**
   * Takes back what was delivered, the latest first. It stops at the first that cannot be: at a write of which nobody knows
   * whether it was done, at an undo that fails. So what is undone is always the end of what was done.
   */
  async undo(): Promise<void> {
    for (const { node, effect } of this.#undoable.toReversed()) {
      const undo = undoOf(node)!
      const path = [...effect.path, UNDO]
      if (effect.how === "uncertain") return
      const out = effect.outcome.ok ? effect.outcome.value : undefined
      if (out === undefined && needsAnswer(undo.args)) return
      try {
        const facts = this.checked.nodes.get(node)!
        const args = fromBytes(facts.signature!.input, effect.args)
        await this.tool(
          undo,
          undoArgs(undoExpr(undo), out === undefined ? out : fromBytes(facts.outcome, out), args),
          {},
          path,
          true,
        )
      } catch {
        // Taken back all the same: it was done, and its answer does not count.
        const last = this.effects.at(-1)!
        if (last.path !== path || last.how !== "delivered") return
      }
    }
  }

  async scope(scope: Scope, outer: Env, base: Path): Promise<Value> {
    const env: Record<string, Value> = { ...outer }
    for (const node of liveNodes(this.checked, scope)) {
      const path = [...base, node.name]
      env[node.name] = await this.caught(node, env, path)
    }
    return this.expr(scope.output, env, base)
  }

  async caught(node: Node, env: Env, path: Path): Promise<Value> {
    try {
      return await this.node(node, env, path)
    } catch (cause) {
      const failure = toFailure(cause, path)
      const body = node.scopes["catch"]
      if (body === undefined) throw failure
      return await this.scope(body, { ...env, [body.params[0] ?? "error"]: errorValue(failure) }, bodyPath(path, body))
    }
  }

  expr(expr: Expr, env: Env, path: Path): Value {
    try {
      return evaluate(expr, (name) => env[name] as Value)
    } catch (cause) {
      throw toFailure(cause, path)
    }
  }

  async node(node: Node, env: Env, path: Path): Promise<Value> {
    const facts = this.checked.nodes.get(node)!
    const args = this.looked(node, this.expr(node.args, env, path))
    const value = await this.act(node, args, env, path)
    return facts.signature === undefined ? bounded(facts.outFits, facts.outcome, value) : value
  }

  /** What a control node decides on, goes over and starts from, looked at where its type leaves something open. */
  looked(node: Node, args: Value): Value {
    const type = argLook(this.checked, node)
    switch (node.kind) {
      case "when":
      case "switch":
      case "map":
        return seen(type, args)
      case "fold": {
        const { over, from } = args as { over: Value; from: Value }
        return { over: seen(type, over), from: seen(fromLook(this.checked, node), from) }
      }
      case "loop":
        return { from: seen(fromLook(this.checked, node), (args as { from: Value }).from) }
      default:
        return args
    }
  }

  /** A body whose value goes round. */
  async round(scope: Scope, wanted: Type, env: Env, base: Path): Promise<Value> {
    const value = await this.scope(scope, env, bodyPath(base, scope))
    return seen(roundLook(this.checked, scope, wanted), value)
  }

  async act(node: Node, args: Value, env: Env, path: Path): Promise<Value> {
    switch (node.kind) {
      case "expr":
        return args
      case "graph":
        return this.subgraph(node.graph!, args, path, this.checked.nodes.get(node)!.argFits)
      case "when":
        return this.body(node, args === true ? "then" : "else", env, path)
      case "switch":
        return this.body(node, Object.hasOwn(node.scopes, `case:${args}`) ? `case:${args}` : "else", env, path)
      case "map": {
        const out: Value[] = []
        const { params } = node.scopes["do"]!
        const items = args as readonly Value[]
        for (let i = 0; i < items.length; i++)
          out.push(await this.body(node, "do", bind(env, params, [items[i]!, i]), [...path, i]))
        return out
      }
      case "fold": {
        const { over, from } = args as { over: readonly Value[]; from: Value }
        const body = node.scopes["do"]!
        const type = stateType(this.checked, node)
        let acc = from
        for (let i = 0; i < over.length; i++)
          acc = await this.round(body, type, bind(env, body.params, [acc, over[i]!, i]), [...path, i])
        return acc
      }
      case "loop":
        return this.loop(node, (args as { from: Value }).from, env, path)
      default:
        return this.tool(node, args, env, path)
    }
  }

  body(node: Node, role: string, env: Env, base: Path): Promise<Value> {
    const scope = node.scopes[role]
    if (scope === undefined) throw fail("NoCase", `Cannot go on: the ${node.kind} has no ${role}`)
    return this.scope(scope, env, bodyPath(base, scope))
  }

  async subgraph(graph: Graph, args: Value, path: Path, fits: Fits): Promise<Value> {
    const facts = this.checked.graphs.get(graph)!
    const input = bounded(fits, facts.input, args)
    return bounded(facts.outFits, facts.output, await this.scope(graph.body, { input }, path))
  }

  async loop(node: Node, from: Value, env: Env, path: Path): Promise<Value> {
    const max = node.config["max"] as number
    const test = node.scopes["while"]!
    const body = node.scopes["do"]!
    const type = stateType(this.checked, node)
    let state = from
    for (let i = 0; ; i++) {
      const goOn = await this.round(test, T.boolean, bind(env, test.params, [state, i]), [...path, i])
      if (goOn !== true) return state
      if (i >= max)
        throw fail("LoopBound", `Cannot go on: the loop still wants to after ${max} iterations`, { data: { max } })
      state = await this.round(body, type, bind(env, body.params, [state, i]), [...path, i])
    }
  }

  /** A tool: attempts, judgement by the port's type, and, for a read or a write, its record. */
  async tool(node: Node, raw: Value, env: Env, path: Path, undoes = false): Promise<Value> {
    const facts = this.checked.nodes.get(node)!
    const signature = facts.signature!
    // An undo is made of what was done, by the kernel: its port takes it as it takes what comes from outside.
    const args = undoes ? seen(signature.input, raw) : bounded(facts.argFits, signature.input, raw)
    const { ended, recorded, how } = await this.attempts(node, args, env, path)
    if (signature.effect !== "pure") {
      const { effect, resource } = signature
      const done = { path, effect, resource, args, outcome: recorded, ...(effect === "write" ? { how } : {}) }
      this.effects.push(done)
      if (how !== "refused" && undoOf(node) !== undefined) this.#undoable.push({ node, effect: done })
      const leaf = leafHash(path, effect, resource, hashValue(args), outcomeHash(recorded))
      if (undoes) this.trace.addUndone(path, leaf)
      else this.trace.add(path, leaf)
    }
    if (!ended.ok) throw ended.failure
    return ended.value
  }

  /** Attempts until one counts. None follows one that ran a body or gave an item: what these did cannot be undone. */
  async attempts(node: Node, args: Value, env: Env, path: Path): Promise<Attempted> {
    const { outcome: type, signature } = this.checked.nodes.get(node)!
    let before: Failure | undefined
    for (let attempt = 1; ; attempt++) {
      let calls = 0
      const invoke = async (role: string, given: Rec) => {
        const body = node.scopes[role]
        const at = [...path, calls++]
        if (body === undefined) throw fail("NoRole", `Cannot run "${role}": the node has no such body`, { path })
        return await this.scope(body, { ...env, ...given }, bodyPath(at, body))
      }
      const items: Value[] = []
      let answered = false
      try {
        const answer = await this.world.call({ node, signature: signature!, args, path, attempt, invoke })
        answered = true
        if (type.kind !== "stream") return attempted({ ok: true, value: valid(node, acceptAnswer(type)(answer), args) })
        await collect(answer, accept(type.of), items)
        return attempted({ ok: true, value: items })
      } catch (cause) {
        const last = toFailure(cause, path)
        const failure = signature!.effect === "write" && !answered ? leastKnown(before, last) : last
        const used = calls > 0 || items.length > 0
        if (used || attempt > (node.settings.retry?.times ?? 0) || !mayRetry(signature!, last))
          return {
            ...attempted({ ok: false, failure }, { ok: false, failure: brokenOff(failure, items) }),
            how: answered ? "delivered" : deliveryOf(failure),
          }
        before = failure
      }
    }
  }
}

/** An answer past the node's own `valid:`. */
function valid(node: Node, answer: Value, args: Value): Value {
  if (node.settings.valid === undefined) return answer
  const validator = validatorOf(node.settings.valid)
  const refused = verdictOf(validator, answer, args)
  if (refused !== undefined) throw refused
  return answer
}

/** How a call ended, and what is recorded of it. */
interface Attempted {
  readonly ended: Outcome
  readonly recorded: Outcome
  readonly how: Delivery
}
const attempted = (ended: Outcome, recorded: Outcome = ended): Attempted => ({ ended, recorded, how: "delivered" })

/**
 * What is recorded of a stream that broke off: the failure with the items that came before it, since others have seen them.
 * Its data is `{ items, data }`, `data` being the failure's own.
 */
export const brokenOff = (failure: Failure, items: readonly Value[]): Failure =>
  items.length === 0 ? failure : fail(failure.code, failure.message, { data: { items, data: failure.data } })

/** The items of a stream, each judged by itself. */
async function collect(answer: unknown, item: Accept, into: Value[]): Promise<void> {
  for await (const x of itemsOf(answer)) into.push(item(x))
}

/** What a tool answered whose output is a stream. Fails with `Mismatch` where it is none. */
export function itemsOf(answer: unknown): AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof answer === "object" && answer !== null && (Symbol.asyncIterator in answer || Symbol.iterator in answer))
    return answer as AsyncIterable<unknown>
  throw fail("Mismatch", "Cannot read the answer as a stream: want an async iterable", {
    data: { path: "", want: "stream" },
  })
}

const bind = (env: Env, params: readonly string[], values: readonly Value[]): Env => {
  const out: Record<string, Value> = { ...env }
  params.forEach((name, i) => {
    out[name] = values[i]!
  })
  return out
}

/**
 * May a failed attempt be followed by another? Reads: when the failure says that it may end differently. Writes: only
 * where the request was certainly not delivered, or the tool honours the idempotency key.
 */
export const mayRetry = (signature: Pick<Signature, "effect" | "keyed">, failure: Failure): boolean =>
  failure.retryable === true &&
  (signature.effect !== "write" || failure.undelivered === true || signature.keyed === true)

/** Two outcomes are the same when the trace cannot tell them apart. */
export const sameOutcome = (a: Outcome, b: Outcome): boolean =>
  a.ok && b.ok
    ? sameValue(a.value, b.value)
    : !a.ok && !b.ok && a.failure.code === b.failure.code && sameValue(a.failure.data, b.failure.data)
