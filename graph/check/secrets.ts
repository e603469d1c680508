/**
 * Credentials that stand in a file where a name should stand. A file is shared, hashed and logged; `secret:NAME` is
 * resolved inside adapters and appears nowhere. Known forms of keys are errors; a long text under a telling name warns.
 */
import { type Expr, parts } from "../expr.ts"
import type { Graph } from "../ir.ts"
import type { Spot } from "../places.ts"
import { isRecord, type Value } from "../value.ts"
import type { NodeAt, Report } from "./report.ts"

/** Forms that nothing but a credential has. Sources: the issuers' own documentation of their prefixes. */
const FORMS: readonly (readonly [name: string, form: RegExp])[] = [
  ["a private key", /-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----/],
  ["an AWS access key", /\bA(?:KIA|SIA)[0-9A-Z]{16}\b/],
  ["a GitHub token", /\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{22,})/],
  ["a Slack token", /\bxox[abeoprs]-[A-Za-z0-9-]{10,}/],
  ["a Stripe key", /\b[rs]k_live_[A-Za-z0-9]{16,}/],
  ["an API key", /\bsk-(?:ant-|proj-)?[A-Za-z0-9_-]{20,}/],
  ["a Google API key", /\bAIza[0-9A-Za-z_-]{35}\b/],
  ["a JSON Web Token", /\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}/],
  ["a bearer token", /\bBearer [A-Za-z0-9._~+/-]{20,}/],
  ["a password in a URL", /\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s/:@]{1,100}:[^\s/:@${}]{1,100}@/],
]
const TELLING = /(?:^|[_-])(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|authorization)$/i
/** Texts longer than this are looked at up to here only. */
const TEXT_MAX = 10_000

const FIX = "Write secret:NAME, and give the secret to whoever runs the graph."

function looksLike(text: string): string | undefined {
  const start = text.length > TEXT_MAX ? text.slice(0, TEXT_MAX) : text
  return FORMS.find(([, form]) => form.test(start))?.[0]
}

function look(report: Report, text: string, name: string, spot: () => Spot): void {
  if (text.length < 8) return
  const form = looksLike(text)
  if (form !== undefined) report.error(spot(), "G304", `This looks like ${form}.`, FIX)
  else if (TELLING.test(name) && /^[^\s${}]{8,}$/.test(text) && !text.startsWith("secret:")) {
    report.warn(spot(), "G304", `"${name}" holds a text that may be a credential.`, FIX)
  }
}

/** `spotOf` gives the spot of a key path below the value. */
function inValue(report: Report, value: Value, name: string, spotOf: (below: string) => Spot, below = ""): void {
  if (typeof value === "string") look(report, value, name, () => spotOf(below))
  else if (Array.isArray(value)) {
    for (const item of value as readonly Value[]) inValue(report, item, name, spotOf, below)
  } else if (isRecord(value)) {
    for (const [key, part] of Object.entries(value)) inValue(report, part, key, spotOf, `${below}.${key}`)
  }
}

/** Looks through a node's settings and the constants of its arguments. */
export function secretsIn(report: Report, at: NodeAt): void {
  for (const [key, value] of Object.entries(at.node.config))
    inValue(report, value, key, (below) => report.ofNode(at, key + below))
  const visit = (expr: Expr, name: string): void => {
    if (expr.op === "const")
      inValue(report, expr.value, name, () => report.ofExpr(expr, () => report.ofNode(at, at.node.kind)))
    else if (expr.op === "record") for (const [key, part] of expr.fields) visit(part, key)
    else for (const part of parts(expr)) visit(part, name)
  }
  visit(at.node.args, "")
}

export function secretsInResources(report: Report, graph: Graph, path: string): void {
  for (const [section, declared] of Object.entries(graph.resources)) {
    for (const [name, value] of Object.entries(declared)) {
      inValue(report, value, name, (below) => report.spot(graph, path, `${section}.${name}${below}`))
    }
  }
}
