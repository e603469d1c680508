/**
 * The third gate: a tool is let through only where a validator is installed that reaches the level that is demanded. The
 * registration demands one, and so may whoever runs the plan, by effect or by capability. Nobody judges their own answers.
 */
import {
  type Expr,
  isLevel,
  isRecord,
  LEVELS,
  type Level,
  type NodeKind,
  type NodeView,
  overlap,
  type Path,
  printCel,
  reaches,
  type Signature,
  T,
  type Type,
  type Validator,
  validatorOf,
  validHash,
  validProblem,
} from "../graph/mod.ts"
import type { Extern, Plan } from "../plan/mod.ts"
import { type Judge, judgeOf, levelOf } from "./judge.ts"
import type { Refused } from "./registered.ts"

/** The least level for tools of an effect (`write`) or that use a capability (`net:pay.example.com`), by that word. */
export interface Demands {
  readonly [effectOrCapability: string]: Level
}

export type Validated =
  | { readonly ok: true; readonly judge: Judge; readonly validators: readonly Validator[] }
  | { readonly ok: false; readonly refusals: readonly Refused[] }

/** Installs the validators of a tool, or says what keeps the gate shut. Calls none of them. */
export function validated(
  plan: Plan,
  claim: Extern,
  kind: NodeKind,
  signature: Signature,
  view: NodeView,
  demands: Demands,
): Validated {
  const port = plan.types[claim.output]!
  const found = installed(kind, view)
  if (!Array.isArray(found)) return { ok: false, refusals: [found as Refused] }
  const stated = claim.settings.valid
  const validators = stated === undefined ? (found as readonly Validator[]) : [validatorOf(stated), ...found]
  const refusals = [...unsuited(port, validators), ...selfJudged(plan, signature, validators)]
  const wrong = stated === undefined ? undefined : validProblem(stated, port, plan.types[claim.input] ?? T.unknown)
  if (wrong !== undefined) {
    const message = `\`valid\` cannot be asked of its answer: ${wrong}`
    refusals.push({ reason: "not-validated", message, fix: "Compile the graph again." })
  }
  const level = highest([ofType(signature.output as Type | undefined, port), ...validators.map((v) => v.level)])
  for (const { least, because } of demanded(claim, signature, demands)) {
    if (!isLevel(least) || least === "none") {
      const message = `${because} is no level of validation, found ${JSON.stringify(least)}`
      refusals.push({ reason: "not-validated", message, fix: `Write one of ${LEVELS.slice(1).join(", ")}.` })
    } else if (!reaches(level, least)) {
      const message = `its answer is validated at level ${level}, and ${because} is ${least}`
      refusals.push({ reason: "not-validated", message, fix: fixOf(level, least, claim.kind) })
    }
  }
  return refusals.length > 0 ? { ok: false, refusals } : { ok: true, judge: judgeOf(port, validators), validators }
}

/** What the type promises. Where the registration says nothing and the graph says nothing, nothing looks at the answer. */
const ofType = (given: Type | undefined, port: Type): Level =>
  given === undefined && levelOf(port) === "syntax" ? "none" : levelOf(port)

const highest = (levels: readonly Level[]): Level => levels.reduce((a, b) => (reaches(a, b) ? a : b))

/** The validators that the kind installs, each of the form that its level has. */
function installed(kind: NodeKind, view: NodeView): readonly Validator[] | Refused {
  const broken = (why: string): Refused => ({
    reason: "not-validated",
    message: `kind "${kind.kind}" installs no validator that can be used: ${why}`,
    fix: "Correct where the kind is registered.",
  })
  let found: readonly unknown[]
  try {
    found = [...(kind.validators?.(view) ?? [])]
  } catch (cause) {
    return broken((cause as Error).message)
  }
  const wrong = found.map(shapeProblem).find((problem) => problem !== undefined)
  return wrong === undefined ? (found.map((v) => Object.freeze({ ...(v as Validator) })) as Validator[]) : broken(wrong)
}

const FUNCTION: ReadonlyMap<unknown, string> = new Map([
  ["property", "holds"],
  ["oracle", "check"],
  ["exact", "reference"],
])

function shapeProblem(v: unknown): string | undefined {
  if (!isRecord(v)) return "it is no record"
  const x = v as { readonly [key: string]: unknown }
  const fn = FUNCTION.get(x["level"])
  if (fn === undefined) return `its level must be property, oracle or exact, found ${JSON.stringify(x["level"])}`
  if (typeof x[fn] !== "function") return `one of level ${String(x["level"])} wants a function "${fn}"`
  if (typeof x["about"] !== "string" || x["about"] === "") return 'it wants "about", what it holds in words'
  const ms = x["timeoutMs"]
  if (ms !== undefined && !(Number.isFinite(ms) && (ms as number) > 0)) return "its timeoutMs is no time"
  if (x["level"] === "oracle" && (typeof x["by"] !== "string" || x["by"] === ""))
    return 'an oracle says who judges: "by"'
  return undefined
}

/** A stream's items are used one by one, before the whole is there that a validator would look at. */
const unsuited = (port: Type, validators: readonly Validator[]): Refused[] =>
  port.kind !== "stream" || validators.length === 0
    ? []
    : [
        {
          reason: "not-validated",
          message: `its answer is a stream, used item by item before ${validators[0]!.about} could be looked at`,
          fix: "Give a list, or leave the validator out: its items are judged by their type.",
        },
      ]

/** An oracle that is who answered, under this name or another: the same resource, a part of it, or the same model behind it. */
function selfJudged(plan: Plan, signature: Signature, validators: readonly Validator[]): readonly Refused[] {
  const { resource } = signature
  if (resource === null) return []
  return validators
    .filter((v) => v.level === "oracle")
    .filter(({ by }) => related(by, resource) || sameModel(plan, by, resource))
    .map(({ by }) => ({
      reason: "judges-itself",
      message: `${resource} would judge its own answers${by === resource ? "" : ` as ${by}`}`,
      fix: "Let somebody else judge: another model, a server of its own, a function, or `valid:` on the node.",
    }))
}

const related = (a: string, b: string): boolean => a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`)

function sameModel(plan: Plan, a: string, b: string): boolean {
  const declared = (resource: string): unknown =>
    resource.startsWith("model:") ? plan.resources["models"]?.[resource.slice("model:".length)] : undefined
  const one = declared(a)
  const other = declared(b)
  return (
    isRecord(one) && isRecord(other) && one["model"] === other["model"] && place(one["url"]) === place(other["url"])
  )
}

/** An address without what does not change where it leads. */
function place(url: unknown): string {
  try {
    const { origin, pathname } = new URL(String(url))
    return origin + pathname.replace(/\/+$/, "")
  } catch {
    return String(url)
  }
}

/**
 * A plan lists every `valid:` of its graph, and that list is part of the hash that its runs go by. Each call has the one
 * that the list has for its path: none can be dropped from a call and stay in the hash. Undefined where there are none.
 */
export function listed(plan: Plan): ((claim: Extern, paths: readonly Path[]) => readonly Refused[]) | undefined {
  if (plan.valids === undefined && plan.externs.every((x) => x.settings.valid === undefined)) return undefined
  const byPath = new Map((plan.valids ?? []).map(({ path, valid }) => [JSON.stringify(path), valid]))
  return (claim, paths) => {
    const { valid } = claim.settings
    const refused: Refused[] = []
    for (const path of paths) {
      const wanted = byPath.get(JSON.stringify(path))
      if (valid === wanted || (valid !== undefined && wanted !== undefined && validHash(valid) === validHash(wanted)))
        continue
      const message = `\`valid\` must be ${printed(wanted)} as its graph says, found ${printed(valid)}`
      const reason = valid === undefined ? "claims-less" : "claims-other"
      refused.push({ reason, message, fix: "Compile the graph again." })
    }
    return refused
  }
}

const printed = (valid: Expr | undefined): string => (valid === undefined ? "none" : printCel(valid))

interface Demand {
  readonly least: Level
  readonly because: string
}

/** Who demands what of a tool. A capability counts where the tool's need and it have anything in common. */
function demanded(claim: Extern, signature: Signature, demands: Demands): readonly Demand[] {
  const needs = [...new Set([...claim.needs, ...signature.needs])]
  const out: Demand[] = [
    { least: signature.validated ?? "syntax", because: `the least that kind "${claim.kind}" takes` },
  ]
  for (const [word, least] of Object.entries(demands)) {
    const asked = word === signature.effect || needs.some((need) => overlap(word, need))
    if (asked) out.push({ least, because: `what this run demands of ${word}` })
  }
  return out
}

function fixOf(level: Level, least: Level, kind: string): string {
  if (level === "none" || least === "schema") return "Declare `output:` on the node, and compile again."
  if (least === "property") return `Say what holds of it: \`valid:\` on the node, or a validator of kind "${kind}".`
  const how = `install one where kind "${kind}" is registered: validated(kind, () => [{ level: "${least}", … }])`
  return `${how[0]!.toUpperCase()}${how.slice(1)}.`
}
