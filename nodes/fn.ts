/**
 * The node kind `fn`: a TypeScript function, named as `./module.ts#export` in a file, or written in place by the
 * TypeScript builder. What the function may do is what its author declares; the bundle of a module is pinned by its
 * hash, so that the code that runs is the code that was checked.
 */
import {
  type Call,
  codeOf,
  type Effect,
  type Executor,
  Failure,
  fail,
  type NodeKind,
  type NodeView,
  parsePlainType,
  type Rec,
  type Services,
  type Signature,
  type SignatureProblem,
  T,
  type Type,
  toFailure,
  type Value,
} from "../graph/mod.ts"
import { need } from "./lack.ts"
import { sinkProblems, statedSinks } from "./sinks.ts"

/** Runs an Effect that a function gave back, to its value or to what it failed with. */
export type RunEffect = (effect: object, signal: AbortSignal) => Promise<unknown>

/**
 * The kind. `run` is for functions that give an Effect back; a host that runs none leaves it out, and the library with it.
 */
export const fnWith = (run: RunEffect = noEffects): NodeKind => ({
  kind: "fn",
  about: "Calls a TypeScript function of a module beside the graph file.",
  main: { form: "static", type: T.string, required: true, path: true, about: "The function, as ./module.ts#export." },
  fields: {
    effect: {
      form: "static",
      type: T.enum("pure", "read", "write"),
      about: "What the function may do to the world. The default is what the function says of itself, else `write`.",
    },
    resource: {
      form: "static",
      type: T.string,
      about: "What it reads or writes; the default is all that code can touch.",
    },
    needs: { form: "static", type: T.list(T.string), about: "Capabilities that a run must be granted for it." },
    async: { form: "static", type: T.boolean, about: "`false` where it never returns a promise or an Effect." },
    sinks: {
      form: "static",
      type: T.map(T.string),
      about: "Arguments where somebody else's text could do harm, and what they are: { target: url, line: shell }.",
    },
    secrets: {
      form: "static",
      type: T.list(T.string),
      about:
        "Parts that no copy of a call may hold: [input.password, output.keys.*]. They are left out of the call log.",
    },
  },
  takesWith: true,
  lift: ({ config: { fn: code, ...rest }, args, with: given }) => ({
    config: { ...rest, ...(code === undefined ? {} : { code }) },
    args: { ...args, ...given },
  }),
  lower: ({ config: { code, ...rest }, args }) => ({ config: { ...rest, fn: code ?? "" }, args: {}, with: args }),
  sign,
  lock: async (config, _resources, services) => {
    const code = String(config["code"])
    if (INLINE.test(code)) return {}
    const { module, name } = splitCode(code)
    const modules = need(services.modules, `pin ${code}`, "way to load modules")
    const sha256 = await modules.hash(module)
    const facts = codeOf(await modules.load(module, name, sha256))
    return { [codePinKey(code)]: { ...facts?.config, sha256 } }
  },
  open: async (config, _resources, services, signature) =>
    executor(await load(config, services, signature), signature, run),
})

const noEffects: RunEffect = () => {
  throw fail("NoEffect", "The function gave an Effect, and this host was made without the library that runs one", {
    data: null,
  })
}

/** The key under which `shadowgraph.lock` pins a function: `{ sha256, … }` and what a tool says of itself. */
export const codePinKey = (code: string): string => `fn:${code}`

/** The resource of code that does not say what it touches: it may touch everything. */
const ANY_RESOURCE = "code"
const INLINE = /^inline:/
const MODULE = /^\.\/([^/#?\\]+\/)*[^/#?\\]+\.(ts|mts|js|mjs)#[A-Za-z_$][\w$]*$/

export function splitCode(code: string): { readonly module: string; readonly name: string } {
  const hash = code.lastIndexOf("#")
  return { module: code.slice(0, hash), name: code.slice(hash + 1) }
}

const RANK: Readonly<Record<Effect, number>> = { pure: 0, read: 1, write: 2 }

function sign(node: NodeView): Signature | readonly SignatureProblem[] {
  const code = String(node.config["code"] ?? "")
  const outside = codeProblem(code)
  if (outside !== undefined) return [outside]
  const pin = node.pin(codePinKey(code))
  const said = (key: string): Value | undefined => node.config[key] ?? pin?.[key]
  const effect = (said("effect") ?? "write") as Effect
  const problems: SignatureProblem[] = []
  const own = pin?.["effect"] as Effect | undefined
  if (own !== undefined && RANK[effect] < RANK[own]) {
    problems.push({
      code: "G207",
      key: "effect",
      message: `The function declares itself \`${own}\`, and the node claims \`${effect}\`, which is less.`,
      fix: "Leave `effect:` out, or change the function.",
    })
  }
  const resource = said("resource")
  const needs = (said("needs") ?? []) as readonly string[]
  if (effect === "pure" && (resource !== undefined || needs.length > 0)) {
    problems.push({
      code: "G207",
      key: resource === undefined ? "needs" : "resource",
      message: "A pure function touches nothing, so it has no resource and needs no capability.",
      fix: "Write effect: read, or leave it out.",
    })
  }
  const sync = said("async") === false
  if (sync && node.settings.timeoutMs !== undefined) {
    problems.push({
      code: "G207",
      key: "timeout",
      message: "A function that answers at once cannot be stopped by a timeout: nothing else runs until it returns.",
      fix: "Leave `timeout:` out, or make the function async.",
    })
  }
  const sinks = { ...statedSinks(pin?.["sinks"]), ...statedSinks(node.config["sinks"]) }
  for (const p of sinkProblems(sinks, "sinks:", false)) problems.push({ ...p, key: "sinks" })
  const output = notation(said("output"))
  if (output === undefined && node.output === undefined) {
    problems.push({
      code: "G205",
      key: code.startsWith("inline:") ? "output" : "fn",
      message: `Nothing says what "${code}" gives.`,
      fix: "Declare `output:`, or make the function with fn(…) and run `shadowgraph lock`.",
    })
  }
  const secrets = secretsOf([pin?.["secrets"], node.config["secrets"]])
  if (typeof secrets === "string") {
    problems.push({
      code: "G207",
      key: "secrets",
      message: `${JSON.stringify(secrets)} names no part of a call.`,
      fix: "Write input.<field> or output.<field>; * stands for every item or key.",
    })
  }
  if (problems.length > 0) return problems
  const input = notation(said("input"))
  return {
    effect,
    resource: effect === "pure" ? null : typeof resource === "string" ? resource : ANY_RESOURCE,
    needs,
    ...(input === undefined ? {} : { input }),
    output: output ?? T.unknown,
    ...(sync ? { async: false } : {}),
    ...(Object.keys(sinks).length > 0 ? { sinks } : {}),
    ...(typeof secrets === "object" ? { secrets } : {}),
    ...(pin === undefined ? {} : { pins: { [codePinKey(code)]: pin } }),
  }
}

/** What a function and the node say is secret, taken apart; undefined: nothing. The first entry that names no part is given back. */
function secretsOf(said: readonly (Value | undefined)[]): NonNullable<Signature["secrets"]> | string | undefined {
  const entries = said.flatMap((list) => (Array.isArray(list) ? (list as readonly Value[]) : [])).map(String)
  if (entries.length === 0) return undefined
  const strange = entries.find((entry) => !/^(input|output)(\.[^.]+)*$/.test(entry))
  if (strange !== undefined) return strange
  const ways = (side: string) =>
    entries.map((entry) => entry.split(".")).flatMap(([first, ...way]) => (first === side ? [way] : []))
  return { input: ways("input"), output: ways("output") }
}

function codeProblem(code: string): SignatureProblem | undefined {
  if (INLINE.test(code)) return undefined
  const parts = code.split("#")[0]!.split("/")
  if (MODULE.test(code) && !parts.slice(1).some((p) => p === "." || p === "..")) return undefined
  return {
    code: "G207",
    key: "fn",
    message: `${JSON.stringify(code)} is not ./module.ts#export, a module below the graph file's folder and a name in it.`,
    fix: code.startsWith("../")
      ? "Keep the module, and the subgraph that names it, below the folder of the graph that is run."
      : "Write ./tools.ts#convert, say.",
  }
}

function notation(text: Value | undefined): Type | undefined {
  if (typeof text !== "string") return undefined
  const read = parsePlainType(text)
  return "type" in read ? read.type : undefined
}

type Code = (input: Value, call: Call) => unknown

async function load(config: Rec, services: Services, signature: Signature): Promise<Code> {
  const code = String(config["code"])
  if (INLINE.test(code)) {
    const closure = services.inline?.(code)
    if (closure !== undefined) return closure
    throw fail(
      "NoCode",
      `Cannot run "${code}": a function written in place runs only in the process that built its graph`,
      {
        data: { code },
        undelivered: true,
      },
    )
  }
  const { module, name } = splitCode(code)
  const pin = signature.pins?.[codePinKey(code)] as Rec | undefined
  const sha256 = pin?.["sha256"]
  const modules = need(services.modules, `run ${code}`, "way to load modules")
  const exported = await modules.load(module, name, typeof sha256 === "string" ? sha256 : undefined)
  const facts = codeOf(exported)
  if (facts !== undefined) return facts.call
  if (typeof exported === "function") return exported as Code
  throw fail(
    "NoCode",
    `Cannot run ${code}: it is ${exported === null ? "null" : `a ${typeof exported}`}, wanted a function`,
    {
      data: { code },
      undelivered: true,
    },
  )
}

function executor(code: Code, signature: Signature, run: RunEffect): Executor {
  // Handed over as it is: the VM judges what comes back, waits for a promise, and has an Effect run by `settleEffect`.
  if (signature.effect === "pure" && code.length < 2) return { execute: code as Executor["execute"] }
  if (signature.async === false) return { execute: synchronous(code, signature) }
  return {
    // No async function: what answers at once costs no promise.
    execute: (input, call) => {
      try {
        const result = code(input, call)
        return isLater(result) ? awaited(result, call, signature, run) : given(result)
      } catch (cause) {
        throw thrown(cause, signature)
      }
    },
  }
}

async function awaited(result: object, call: Call, signature: Signature, run: RunEffect): Promise<unknown> {
  try {
    const value = await result
    return given(isEffect(value) ? await run(value as object, call.signal) : value)
  } catch (cause) {
    throw thrown(cause, signature, call.signal)
  }
}

/** A function that does not look at the call is called without one: an executor of one parameter is not handed any. */
function synchronous(code: Code, signature: Signature): Executor["execute"] {
  if (code.length >= 2) {
    return (input, call) => {
      try {
        return atOnce(code(input, call))
      } catch (cause) {
        throw thrown(cause, signature)
      }
    }
  }
  const plain = code as (input: Value) => unknown
  return (input) => {
    try {
      return atOnce(plain(input))
    } catch (cause) {
      throw thrown(cause, signature)
    }
  }
}

function atOnce(result: unknown): unknown {
  if (!isLater(result)) return given(result)
  throw fail("NotSync", "The function says that it answers at once, and gave a promise or an Effect")
}

const isLater = (result: unknown): result is object =>
  typeof result === "object" &&
  result !== null &&
  (typeof (result as { then?: unknown }).then === "function" || isEffect(result))

/** A function that returns nothing gives null. */
const given = (result: unknown): unknown => (result === undefined ? null : result)

/** The mark of an Effect, as the library's own `isEffect` reads it; the library is loaded by the first one that comes. */
export const isEffect = (x: unknown): boolean => typeof x === "object" && x !== null && "~effect/Effect" in x

/** What the function threw as a failure: its own tag is the code. A read may end differently when it is tried again. */
function thrown(cause: unknown, signature: Signature, signal?: AbortSignal): Failure {
  if (signal?.aborted) return fail("Cancelled", "The function was cancelled", { cause })
  const failure = toFailure(cause)
  if (cause instanceof Failure || signature.effect === "pure") return failure
  return fail(failure.code, failure.message, { ...failure, retryable: true, cause })
}
