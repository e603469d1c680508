/**
 * Externs out of plain values: a tool as a plan claims it, with its settings. As in `shape.ts`, what comes back has the
 * shape that its TypeScript type says; whether the claims are true is admission's question.
 */
import type { Effect, Settings } from "../graph/mod.ts"
import type { Extern } from "./plan.ts"
import { type At, bool, keyed, malformed, positive, rec, text, texts, whole } from "./shape.ts"
import { readExpr } from "./shape_expr.ts"

const SETTINGS: { readonly [K in keyof Required<Extern["settings"]>]: false } = {
  timeoutMs: false,
  retry: false,
  cacheMs: false,
  shadow: false,
  speculate: false,
  valid: false,
}

function readSettings(v: unknown, at: At): Extern["settings"] {
  const r = keyed(v, SETTINGS, at)
  const out: { -readonly [K in keyof Settings]: Settings[K] } = {}
  if (Object.hasOwn(r, "timeoutMs")) out.timeoutMs = positive(r["timeoutMs"], `${at}.timeoutMs`)
  if (Object.hasOwn(r, "cacheMs")) out.cacheMs = positive(r["cacheMs"], `${at}.cacheMs`)
  if (Object.hasOwn(r, "speculate")) out.speculate = bool(r["speculate"], `${at}.speculate`)
  if (Object.hasOwn(r, "valid")) out.valid = readExpr(r["valid"], `${at}.valid`)
  if (Object.hasOwn(r, "shadow")) {
    out.shadow = { error: positive(keyed(r["shadow"], { error: true }, `${at}.shadow`)["error"], `${at}.shadow.error`) }
  }
  if (Object.hasOwn(r, "retry")) {
    const retry = keyed(r["retry"], { times: true, delayMs: true, delayMsMax: true }, `${at}.retry`)
    out.retry = {
      times: whole(retry["times"], `${at}.retry.times`),
      delayMs: positive(retry["delayMs"], `${at}.retry.delayMs`),
      delayMsMax: positive(retry["delayMsMax"], `${at}.retry.delayMsMax`),
    }
  }
  return out
}

const EFFECTS: readonly string[] = ["pure", "read", "write"] satisfies Effect[]

/** An extern out of a record of its own shape. */
export function readExtern(v: unknown, at: At): Extern {
  const keys = { kind: true, config: true, effect: true, resource: true, needs: true, input: true, output: true }
  const r = keyed(v, { ...keys, async: true, settings: true }, at)
  const effect = text(r["effect"], `${at}.effect`)
  if (!EFFECTS.includes(effect)) throw malformed(`${at}.effect`, effect, "pure, read or write")
  return {
    kind: text(r["kind"], `${at}.kind`),
    config: rec(r["config"], `${at}.config`),
    effect: effect as Effect,
    resource: r["resource"] === null ? null : text(r["resource"], `${at}.resource`),
    needs: texts(r["needs"], `${at}.needs`),
    input: whole(r["input"], `${at}.input`, -1),
    output: whole(r["output"], `${at}.output`),
    async: bool(r["async"], `${at}.async`),
    settings: readSettings(r["settings"], `${at}.settings`),
  }
}
