// Replay by the reference evaluator's rules: pure nodes are computed again, effects are answered from a run's record, and
// effects that are not in the record never answer. Which of several failures came first depends on time, so that is not
// computed but looked for: there must be an order of failures that explains the record. Nothing here runs in parallel;
// what cannot go on is left, and what does not depend on it goes on.

import { Evaluation } from "../../graph/eval.ts"
import {
  accept,
  acceptAnswer,
  type CheckedGraph,
  type Expr,
  encode,
  errorValue,
  type Failure,
  type Fits,
  fail,
  type Graph,
  hasDefaults,
  hashValue,
  hex,
  isRecord,
  leafHash,
  liveNodes,
  mayRetry,
  type Node,
  type Outcome,
  outcomeHash,
  type Path,
  printPath,
  type Rec,
  roundLook,
  type Scope,
  sameOutcome,
  stateType,
  T,
  TraceTree,
  type Type,
  toFailure,
  traceHash,
  type Value,
} from "../../graph/mod.ts"
import { isWhole, lazily, NOT_YET } from "./lazy.ts"
import type { Committed, Ran } from "./runs.ts"
import { isAgent } from "./tools.ts"
import { answerOf, valid, worldOf } from "./world.ts"

/** How far a part of the graph comes: its value if there is one, failures that it may end in, and whether all of it is done. */
interface Got {
  readonly value?: { readonly is: Value }
  readonly failures: readonly Failure[]
  readonly whole: boolean
}
const NOTHING: Got = { failures: [], whole: false }
const done = (is: Value): Got => ({ value: { is }, failures: [], whole: true })
const failed = (cause: unknown, path: Path): Got => ({ failures: [toFailure(cause, path)], whole: false })

type Env = { readonly [name: string]: Value }

/** A body that a tool asked for never answers. */
class Never {}

/** Failures of parts that do not depend on each other. */
class Several {
  readonly failures: readonly Failure[]
  constructor(failures: readonly Failure[]) {
    this.failures = failures
  }
}

const TRIES_MAX = 400

/** Why no order of failures explains the record of a run; undefined where one does. */
export async function unexplained(
  checked: CheckedGraph,
  input: Value,
  ran: Ran,
  cancelled: boolean,
): Promise<string | undefined> {
  // Choices are tried in turn, the last one first, as the digits of a number are.
  let choices: number[] = []
  let nearest = ""
  for (let i = 0; i < TRIES_MAX; i++) {
    const replay = new Replay(checked, ran.effects, choices)
    const why = await replay.differs(input, ran, cancelled)
    if (why === undefined) return undefined
    nearest ||= why
    const next = replay.asked.map((options, at) => ({ options, choice: choices[at] ?? 0 }))
    while (next.length > 0 && next.at(-1)!.choice + 1 >= next.at(-1)!.options) next.pop()
    if (next.length === 0) return nearest
    choices = next.map((x, at) => x.choice + (at === next.length - 1 ? 1 : 0))
  }
  return undefined
}

class Replay {
  readonly checked: CheckedGraph
  readonly records: ReadonlyMap<string, Committed>
  readonly trace = new TraceTree()
  readonly used = new Set<string>()
  readonly choices: readonly number[]
  /** How many ways each choice had. */
  readonly asked: number[] = []
  wrong: string | undefined
  readonly #looks: Evaluation
  /** Scopes with a stream that is not on record. */
  readonly #unread: Path[] = []
  /** Those with one that nobody read to its end: a process that died may have read more of it than the one that went on. */
  readonly #stopped: Path[] = []

  constructor(checked: CheckedGraph, effects: readonly Committed[], choices: readonly number[]) {
    this.checked = checked
    this.#looks = new Evaluation(checked, worldOf(checked.graph))
    this.records = new Map(effects.map((e) => [printPath(e.path), e]))
    this.choices = choices
  }

  async differs(input: Value, { outcome, trace, rows }: Ran, cancelled: boolean): Promise<string | undefined> {
    let got = await this.scope(this.checked.graph.body, { input }, [], true)
    if (got.value !== undefined) {
      try {
        got = { ...got, value: { is: bounded(this.checked.outFits, this.checked.output, got.value.is) } }
      } catch (cause) {
        got = { failures: [...got.failures, toFailure(cause)], whole: false }
      }
    }
    if (this.wrong !== undefined) return this.wrong
    this.undone()
    if (rows.some(({ kind }) => kind === "resume")) this.#unread.push(...this.#stopped)
    this.unread()
    for (const [path] of this.records) if (!this.used.has(path)) return `the replay never gets to ${path}`
    if (outcome.ok) {
      if (!got.whole || got.value === undefined)
        return `the run gave a value, the replay ${got.failures.length > 0 ? `fails: ${got.failures.map(told).join(" or ")}` : "does not end"}`
      if (!sameOutcome({ ok: true, value: got.value.is }, outcome)) return "the replay gives another value"
    } else {
      const stopped = cancelled && outcome.failure.code === "Cancelled"
      if (!stopped && !got.failures.some((f) => sameFailure(f, outcome.failure)))
        return `the run failed with ${told(outcome.failure)}; the replay can fail with: ${got.failures.map(told).join(" or ") || "nothing"}`
    }
    const own = traceHash(this.checked.hash, hashValue(input), this.trace.root(), outcomeHash(outcome))
    return own === trace ? undefined : "the replay has another trace hash"
  }

  /** What was taken back is in the trace; in which order it was is told by the record itself. */
  undone(): void {
    for (const [at, { path, effect, resource, input, outcome }] of this.records) {
      if (path.at(-1) !== "undo" || !this.used.has(printPath(path.slice(0, -1)))) continue
      this.used.add(at)
      this.trace.addUndone(path, leafHash(path, effect, resource, Buffer.from(input, "hex"), outcomeHash(outcome)))
    }
  }

  /**
   * What came of the first items of a stream is on record before the stream is. Where a process died in between, and the run
   * failed before it read the stream again, nothing tells what the items were; what came of them is in the trace.
   */
  unread(): void {
    for (const [at, { path, effect, resource, input, outcome }] of this.records) {
      const inside = (base: Path) => base.length < path.length && base.every((part, i) => part === path[i])
      if (this.used.has(at) || !this.#unread.some(inside)) continue
      this.used.add(at)
      this.trace.add(path, leafHash(path, effect, resource, Buffer.from(input, "hex"), outcomeHash(outcome)))
    }
  }

  /** One of the failures, or none of them: then something else stopped the run before. */
  choose(failures: readonly Failure[]): Failure | undefined {
    const different = failures.filter((f, i) => failures.findIndex((g) => sameFailure(f, g)) === i)
    if (different.length === 0) return undefined
    const choice = this.choices[this.asked.length] ?? 0
    this.asked.push(different.length + 1)
    return different[choice]
  }

  /** `inline`: the value counts as soon as it is there, although effects inside are not done. */
  async scope(scope: Scope, outer: Env, base: Path, inline = false): Promise<Got> {
    const env: Record<string, Value> = { ...outer }
    const failures: Failure[] = []
    let whole = true
    for (const node of liveNodes(this.checked, scope)) {
      const got = await this.caught(node, env, [...base, node.name])
      if (got.value !== undefined) env[node.name] = got.value.is
      failures.push(...got.failures)
      whole &&= got.whole
    }
    try {
      const is = this.expr(scope.output, env, base)
      if (!isWhole(is)) return inline ? { value: { is }, failures, whole: false } : { failures, whole: false }
      return inline || whole ? { value: { is }, failures, whole } : { failures, whole }
    } catch (cause) {
      return { failures: [...failures, toFailure(cause, base)], whole: false }
    }
  }

  expr(expr: Expr, env: Env, path: Path): Value {
    try {
      return lazily(expr, (name) => (Object.hasOwn(env, name) ? env[name]! : NOT_YET))
    } catch (cause) {
      throw toFailure(cause, path)
    }
  }

  async caught(node: Node, env: Env, path: Path): Promise<Got> {
    const body = node.scopes["catch"]
    const got = await this.node(node, env, path)
    if (body === undefined) return got
    if (got.whole) return got
    const failure = this.choose(got.failures)
    if (failure === undefined) return NOTHING
    return await this.scope(body, { ...env, [body.params[0] ?? "error"]: errorValue(failure) }, pathOf(path, body))
  }

  async node(node: Node, env: Env, path: Path): Promise<Got> {
    const facts = this.checked.nodes.get(node)!
    let got = NOTHING
    try {
      if (node.graph !== undefined) got = await this.subgraph(node.graph, node.args, env, path, facts.argFits)
      else {
        if (node.kind === "fold") this.parts(node, env, path)
        const args = this.expr(node.args, env, path)
        // Nobody waits for an expression that is not needed after all and cannot fail.
        if (node.kind === "expr") got = done(args)
        else if (!isWhole(args)) return NOTHING
        else got = await this.act(node, this.#looks.looked(node, args), env, path)
      }
      if (got.value !== undefined && facts.signature === undefined && isWhole(got.value.is))
        return { ...got, value: { is: bounded(facts.outFits, facts.outcome, got.value.is) } }
    } catch (cause) {
      if (cause instanceof Never) return NOTHING
      if (cause instanceof Several) return { failures: cause.failures, whole: false }
      // The value of a subgraph may be refused while work inside it still fails.
      return { failures: [...got.failures, toFailure(cause, path)], whole: false }
    }
    return got
  }

  /** What a `fold` starts from and what it goes over are two values: either may fail first, and without the other. */
  parts(node: Node, env: Env, path: Path): void {
    const failures: Failure[] = []
    for (const [, part] of node.args.op === "record" ? node.args.fields : []) {
      try {
        this.expr(part, env, path)
      } catch (cause) {
        failures.push(toFailure(cause, path))
      }
    }
    if (failures.length > 0) throw new Several(failures)
  }

  async act(node: Node, args: Value, env: Env, path: Path): Promise<Got> {
    switch (node.kind) {
      case "expr":
        return done(args)
      case "when":
        return await this.body(node, args === true ? "then" : "else", env, path)
      case "switch":
        return await this.body(node, Object.hasOwn(node.scopes, `case:${args}`) ? `case:${args}` : "else", env, path)
      case "map":
        return await this.map(node, args as readonly Value[], env, path)
      case "fold":
        return await this.fold(node, args as { over: readonly Value[]; from: Value }, env, path)
      case "loop":
        return await this.loop(node, (args as { from: Value }).from, env, path)
      default:
        return await this.tool(node, args, env, path)
    }
  }

  body(node: Node, role: string, env: Env, base: Path): Promise<Got> {
    const scope = node.scopes[role]
    if (scope === undefined) throw fail("NoCase", `no ${role}`)
    return this.scope(scope, env, pathOf(base, scope))
  }

  /** A subgraph begins before its arguments are there: what needs none of them runs. */
  async subgraph(graph: Graph, args: Expr, env: Env, path: Path, fits: Fits): Promise<Got> {
    const facts = this.checked.graphs.get(graph)!
    const failures: Failure[] = []
    let inner: Env = {}
    try {
      const given = this.expr(args, env, path)
      inner = { input: isWhole(given) ? bounded(fits, facts.input, given) : given }
    } catch (cause) {
      failures.push(toFailure(cause, path))
    }
    const got = await this.scope(graph.body, inner, path, true)
    const whole = got.whole && failures.length === 0
    if (got.value === undefined || !isWhole(got.value.is))
      return { ...got, failures: [...failures, ...got.failures], whole: false }
    try {
      const value = { is: bounded(facts.outFits, facts.output, got.value.is) }
      return { value, failures: [...failures, ...got.failures], whole }
    } catch (cause) {
      return { failures: [...failures, ...got.failures, toFailure(cause, path)], whole: false }
    }
  }

  /** A list, or what came of a stream before it was stopped. */
  async map(node: Node, over: readonly Value[], env: Env, path: Path): Promise<Got> {
    const { items, whole: all } = taken(over)
    const out: Value[] = []
    const failures: Failure[] = []
    let whole = true
    const { params } = node.scopes["do"]!
    for (const [i, item] of items.entries()) {
      const got = await this.body(node, "do", bind(env, params, [item, i]), [...path, i])
      failures.push(...got.failures)
      whole &&= got.whole
      if (whole && got.value !== undefined) out.push(got.value.is)
    }
    if (whole && all) return done(out)
    // Who reads a stream has seen what came of the items before the first that is not through.
    return this.checked.nodes.get(node)!.outcome.kind === "stream" ? some(out, failures) : { failures, whole: false }
  }

  async fold(node: Node, { over, from }: { over: readonly Value[]; from: Value }, env: Env, path: Path): Promise<Got> {
    const { items, whole } = taken(over)
    const body = node.scopes["do"]!
    const type = stateType(this.checked, node)
    let state = from
    for (const [i, item] of items.entries()) {
      const got = await this.round(body, type, bind(env, body.params, [state, item, i]), [...path, i])
      if (!got.whole || got.value === undefined) return { failures: got.failures, whole: false }
      state = got.value.is
    }
    return whole ? done(state) : NOTHING
  }

  async loop(node: Node, from: Value, env: Env, path: Path): Promise<Got> {
    const max = node.config["max"] as number
    const test = node.scopes["while"]!
    const body = node.scopes["do"]!
    const type = stateType(this.checked, node)
    let state = from
    for (let i = 0; ; i++) {
      const goOn = await this.round(test, T.boolean, bind(env, test.params, [state, i]), [...path, i])
      if (!goOn.whole || goOn.value === undefined) return { failures: goOn.failures, whole: false }
      if (goOn.value.is !== true) return done(state)
      if (i >= max) {
        throw fail("LoopBound", `Cannot go on: the loop still wants to after ${max} iterations`, { data: { max } })
      }
      const got = await this.round(body, type, bind(env, body.params, [state, i]), [...path, i])
      if (!got.whole || got.value === undefined) return { failures: got.failures, whole: false }
      state = got.value.is
    }
  }

  async round(scope: Scope, wanted: Type, env: Env, base: Path): Promise<Got> {
    const got = await this.scope(scope, env, pathOf(base, scope))
    const type = roundLook(this.checked, scope, wanted)
    if (type === undefined || got.value === undefined) return got
    return { ...got, value: { is: accept(type)(got.value.is) } }
  }

  async tool(node: Node, raw: Value, env: Env, path: Path): Promise<Got> {
    const facts = this.checked.nodes.get(node)!
    const signature = facts.signature!
    const args = bounded(facts.argFits, signature.input, raw)
    if (signature.effect === "pure") return await this.attempts(node, args, env, path)
    // What its bodies did is in the record under their own paths.
    if (isAgent(node.kind)) await this.attempts(node, args, env, path)
    const record = this.records.get(printPath(path))
    if (record === undefined) {
      if (facts.outcome.kind === "stream") this.#unread.push(path.slice(0, -1))
      return NOTHING
    }
    this.used.add(printPath(path))
    if (facts.outcome.kind === "stream" && !record.outcome.ok) this.#stopped.push(path.slice(0, -1))
    const { effect, resource } = signature
    if (effect !== record.effect || resource !== record.resource)
      this.wrong ??= `${printPath(path)} is recorded as another effect`
    const input = hashValue(args)
    if (hex(input) !== record.input) this.wrong ??= `the replay calls ${printPath(path)} with other arguments`
    this.trace.add(path, leafHash(path, effect, resource, input, outcomeHash(record.outcome)))
    return settled(record.outcome, facts.outcome, path)
  }

  /** What a tool that is asked again comes to; it may wait for a body for ever. */
  async attempts(node: Node, args: Value, env: Env, path: Path): Promise<Got> {
    const { outcome: type, signature } = this.checked.nodes.get(node)!
    for (let attempt = 1; ; attempt++) {
      let calls = 0
      const invoke = async (role: string, given: Rec): Promise<Value> => {
        const body = node.scopes[role]!
        const got = await this.scope(body, { ...env, ...given }, pathOf([...path, calls++], body))
        if (got.whole && got.value !== undefined) return got.value.is
        const failure = this.choose(got.failures)
        throw failure ?? new Never()
      }
      const items: Value[] = []
      try {
        const answer = await answerOf(
          this.checked.graph,
          { node, signature: signature!, args, path, attempt, invoke },
          () => {},
        )
        if (type.kind !== "stream") return done(valid(node, acceptAnswer(type)(answer), args))
        for (const x of answer as Iterable<unknown>) items.push(accept(type.of)(x))
        return done(items)
      } catch (cause) {
        if (cause instanceof Never) return NOTHING
        const failure = toFailure(cause, path)
        const used = calls > 0 || items.length > 0
        if (used || attempt > (node.settings.retry?.times ?? 0) || !mayRetry(signature!, failure))
          return items.length > 0 ? some(items, [failure]) : { failures: [failure], whole: false }
      }
    }
  }
}

/** Items of a stream that did not come to its end, kept apart from a list that is whole. */
const STOPPED = new WeakSet<object>()
function taken(over: readonly Value[]): { readonly items: readonly Value[]; readonly whole: boolean } {
  return { items: over, whole: !STOPPED.has(over) }
}
function some(items: readonly Value[], failures: readonly Failure[]): Got {
  STOPPED.add(items)
  return { value: { is: items }, failures, whole: false }
}

/** What is known of a call by its record. Of a stream that broke off, what it gave before is known, too. */
function settled(outcome: Outcome, type: Type, path: Path): Got {
  if (outcome.ok) return done(accept(type)(outcome.value))
  const { code, message, data } = outcome.failure
  if (type.kind !== "stream" || !isRecord(data) || !Array.isArray(data["items"]) || !("data" in data))
    return failed(outcome.failure, path)
  const items = accept(type)(data["items"]) as readonly Value[]
  return some(items, code === "Stopped" ? [] : [fail(code, message, { data: data["data"]!, path })])
}

const bounded = (fits: Fits, type: Type | undefined, value: Value): Value =>
  type !== undefined && (fits !== "yes" || hasDefaults(type)) ? accept(type)(value) : value

const pathOf = (base: Path, body: Scope): Path => (body.name === undefined ? base : [...base, body.name])

const bind = (env: Env, params: readonly string[], values: readonly Value[]): Env => {
  const out: Record<string, Value> = { ...env }
  params.forEach((name, i) => {
    out[name] = values[i]!
  })
  return out
}

/** Failures are the same when neither the trace nor a handler can tell them apart. */
export const sameFailure = (a: Failure, b: Failure): boolean =>
  a.code === b.code && a.message === b.message && hex(encode(a.data)) === hex(encode(b.data))

const told = (f: Failure): string =>
  `${f.code} at ${printPath(f.path ?? [])} (${f.message}; ${JSON.stringify(f.data, (_, x) => (typeof x === "bigint" ? `${x}n` : x))})`
