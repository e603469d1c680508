/**
 * Requests of other servers that start runs: `POST /hooks/<name>`. Who signed it may start the run that the hook declares, and
 * nothing else. It is answered as soon as the run is on record, since senders wait for seconds only; a delivery that is made
 * again finds the run that it started.
 */
import type { Context } from "hono"
import { Failure, type Rec, readJson, type Type, type Value } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { begin } from "../engine/begin.ts"
import type { Engine, Ready, RunResult } from "../engine/engine.ts"
import { derivedId } from "../engine/run_ids.ts"
import { inputOf, valueOf } from "../triggers/check.ts"
import type { Hook } from "../triggers/read.ts"
import { verifySignature } from "../triggers/signature.ts"
import { bytesOf } from "./body.ts"
import { type Means, placeFor, type Way } from "./means.ts"
import { Answer, json, problem, refused } from "./problems.ts"

/** A hook with all that its runs take. */
export interface ServedHook {
  readonly hook: Hook
  readonly engine: Engine
  readonly ready: Ready | AdmissionError
  readonly secret: (name: string) => string | undefined
}

export interface HooksOptions {
  readonly hooks: readonly ServedHook[]
  readonly onRun?:
    | ((told: { readonly hook: string; readonly run: string; readonly result?: RunResult }) => void)
    | undefined
}

/** Adds `POST /hooks/:name`. */
export const hooksWay =
  ({ hooks: declared, onRun }: HooksOptions): Way =>
  (app, means) => {
    const hooks = new Map(declared.map((h) => [h.hook.name, h]))
    app.post("/hooks/:name", async (c) => {
      const served = hooks.get(c.req.param("name"))
      if (served === undefined) return problem("unknown-hook", `There is no hook "${c.req.param("name")}".`)
      const body = await bytesOf(c.req.raw, means.limits)
      if (body instanceof Answer) return body.response()
      // Before anything of the body is looked at: what a stranger sends is not even parsed.
      const barred = await notSigned(c, served, body, means)
      return barred ?? (await start(c, served, body, means, onRun))
    })
    app.all("/hooks/:name", (c) => problem("wrong-method", `${c.req.method} starts nothing.`, {}, { allow: "POST" }))
  }

async function notSigned(
  c: Context,
  { hook, secret }: ServedHook,
  body: Uint8Array,
  { clock, onDefect }: Means,
): Promise<Response | undefined> {
  const { scheme, secrets, toleranceMs, name } = hook
  const keys = secrets.flatMap((s) => {
    const text = secret(s)
    const key = text === undefined || text === "" ? undefined : scheme.key(text)
    return key === undefined || key.length === 0 ? [] : [key]
  })
  if (keys.length === 0) {
    const lacks = `Hook "${name}": ${secrets.join(", ")} is not set, or is no secret of this form`
    onDefect?.(new Failure({ code: "NoSecret", message: lacks, data: null }))
    return problem("hook-not-ready", "The server cannot tell who signed the request.")
  }
  const header = (word: string) => c.req.header(word)
  const fault = await verifySignature({ scheme, keys, header, body, now: clock.now(), toleranceMs })
  if (fault === undefined) return undefined
  const words = {
    "signature-missing": "The request is not signed.",
    "signature-wrong": "The signature is not that of the body.",
    "signature-old": `The request was signed more than ${toleranceMs} ms ago, or later than now.`,
  }
  return problem(fault, words[fault], { hook: name })
}

/** What a request comes to: which delivery it is, and the input of its run; undefined where no run is meant. */
interface Delivery {
  readonly id: string
  readonly input: Rec
}

async function start(
  c: Context,
  served: ServedHook,
  bytes: Uint8Array,
  means: Means,
  onRun: HooksOptions["onRun"],
): Promise<Response> {
  const { hook, engine, ready } = served
  const delivery = deliveryOf(c, served, bytes)
  if (delivery instanceof Response) return delivery
  if (delivery === undefined) return json(200, { hook: hook.name, ignored: true })
  if (ready instanceof AdmissionError) return refused(hook.graph, ready, undefined).response()
  const run = derivedId(["hook", hook.name, hook.graph, delivery.id])
  const again = () => json(200, { hook: hook.name, run, again: true }, { location: `/runs/${run}` })
  const leave = await placeFor(means, means.callers.named(`hook ${hook.name}`), c.req.raw)
  if (leave instanceof Answer) return leave.response()
  const begun = await begin(engine, ready, run, delivery.input).catch((cause: unknown) => {
    leave()
    throw cause
  })
  if (begun === undefined) {
    leave()
    return again()
  }
  onRun?.({ hook: hook.name, run })
  begun.result
    .then(
      (result) => onRun?.({ hook: hook.name, run, result }),
      (cause: unknown) => means.onDefect?.(cause),
    )
    .finally(leave)
  return json(202, { hook: hook.name, run }, { location: `/runs/${run}` })
}

function deliveryOf(c: Context, { hook, ready }: ServedHook, bytes: Uint8Array): Delivery | undefined | Response {
  if (!/^application\/(json|[\w.+-]*\+json)\s*(;|$)/i.test(c.req.header("content-type") ?? ""))
    return problem("not-json", `The content-type is "${c.req.header("content-type") ?? ""}".`)
  let body: Value
  try {
    body = readJson(new TextDecoder("utf-8", { fatal: true }).decode(bytes))
  } catch (cause) {
    return problem("bad-body", `The body is no JSON: ${(cause as Error).message}`)
  }
  const env = { body, headers: { ...c.req.header() } }
  try {
    if (hook.when !== undefined && valueOf(hook.when, env) !== true) return undefined
    const id = valueOf(hook.delivery, env)
    if (!isKey(id)) return problem("wrong-delivery", "What tells deliveries apart is no text or number.")
    const input = ready instanceof AdmissionError ? {} : inputOf(hook.input, typeOf(ready), env)
    return { id: String(id), input }
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause
    const { code, message, data } = cause
    return problem("wrong-input", message, { hook: hook.name, code, data })
  }
}

const isKey = (x: Value): boolean =>
  (typeof x === "string" && x !== "" && x.length <= 512) || typeof x === "bigint" || Number.isFinite(x)
const typeOf = ({ admitted: { plan } }: Ready): Type => plan.types[plan.input] as Type
