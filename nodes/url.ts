/**
 * URL templates: a fixed host and a path and query with insertions. An inserted value stays inside the segment or the
 * query value that it was written in, whatever it holds; nothing that runs can decide which host is asked.
 */
import { type Expr, fail, lit, type Rec, type SignatureProblem, type Value } from "../graph/mod.ts"
import { readOrigin } from "./endpoint.ts"
import { looksLikeCredential } from "./secret.ts"

export const METHODS = ["GET", "HEAD", "OPTIONS", "QUERY", "POST", "PUT", "PATCH", "DELETE"] as const
export type Method = (typeof METHODS)[number]
/** Methods that ask and do not change (RFC 9110, 9.2.1; QUERY is a safe method with a body). */
export const READS: ReadonlySet<string> = new Set(["GET", "HEAD", "OPTIONS", "QUERY"])

/** `GET https://h/a/${x}?b=${y}` is `{ method: "GET", texts: ["https://h/a/", "?b=", ""] }` and two insertions. */
export interface UrlTemplate {
  readonly method: Method
  /** The constant texts, one more than there are insertions; the first begins with scheme, host and port. */
  readonly texts: readonly string[]
}

/** The template in a node's `config`, or what is wrong with it: a plan may come from anywhere. */
export function readTemplate(
  config: Rec,
): { readonly template: UrlTemplate; readonly origin: URL } | readonly SignatureProblem[] {
  const { method, url } = config
  const texts = Array.isArray(url) ? (url as readonly Value[]) : []
  if (!METHODS.some((m) => m === method) || texts.length === 0 || !texts.every((t) => typeof t === "string"))
    return [{ code: "G207", key: "http", message: "The node has no method and URL." }]
  const strings = texts as readonly string[]
  const [, front = "", path = ""] = /^(https?:\/\/[^/?#]*)(\/.*)$/s.exec(strings[0]!) ?? []
  const origin = readOrigin(front, "http")
  if ("code" in origin) return [origin]
  const problems = textProblems([path, ...strings.slice(1)])
  return problems.length > 0 ? problems : { template: { method: method as Method, texts: strings }, origin }
}

export interface LiftedUrl extends UrlTemplate {
  readonly insertions: readonly Expr[]
}

/** Takes the text of an `http:` key apart, or says what is wrong with it. */
export function liftUrl(main: Expr | undefined): LiftedUrl | readonly SignatureProblem[] {
  const problem = (message: string, fix: string): readonly SignatureProblem[] => [
    { code: "G207", key: "http", message, fix },
  ]
  const split = main === undefined ? undefined : splitText(main)
  const head = split?.texts[0]?.trimStart() ?? ""
  const found = /^([A-Za-z]+)\s+(.*)$/s.exec(head)
  if (split === undefined || found === null) {
    return problem(
      "`http` begins with a method and a URL that are written out.",
      "Write http: GET https://host/path, and insert values into the path and query only.",
    )
  }
  const method = found[1]!
  if (!(METHODS as readonly string[]).includes(method)) {
    return problem(
      `"${method}" is no method that nodes use: ${METHODS.join(", ")}.`,
      (METHODS as readonly string[]).includes(method.toUpperCase()) ? `Write ${method.toUpperCase()}.` : "Write GET.",
    )
  }
  const rest = [found[2]!, ...split.texts.slice(1)]
  rest[rest.length - 1] = rest[rest.length - 1]!.trimEnd()
  const authority = /^([A-Za-z][A-Za-z0-9+.-]*:\/\/[^/?#]*)(.*)$/s.exec(rest[0]!)
  if (authority === null || (authority[2] === "" && split.insertions.length > 0)) {
    return problem(
      "The host would be decided at run time; it must be written out, so that a reader can see where data goes.",
      "Write the whole host, then a / before the first insertion. Several hosts are several nodes under `switch`.",
    )
  }
  const origin = readOrigin(authority[1]!, "http")
  if ("code" in origin) return [origin]
  const texts = [authority[2]!, ...rest.slice(1)]
  const bad = textProblems(texts)
  if (bad.length > 0) return bad
  if (!texts[0]!.startsWith("/")) texts[0] = `/${texts[0]}`
  texts[0] = origin.origin + texts[0]
  return { method: method as Method, texts, insertions: split.insertions }
}

/** A text with insertions as its constant texts and the expressions between them; `undefined` where it is no text. */
function splitText(e: Expr): { readonly texts: string[]; readonly insertions: readonly Expr[] } | undefined {
  if (e.op === "const") return typeof e.value === "string" ? { texts: [e.value], insertions: [] } : undefined
  if (e.op !== "text") return undefined
  const texts = [""]
  const insertions: Expr[] = []
  for (const part of e.parts) {
    if (part.op === "const" && typeof part.value === "string") texts[texts.length - 1] += part.value
    else {
      insertions.push(part)
      texts.push("")
    }
  }
  return { texts, insertions }
}

function textProblems(texts: readonly string[]): readonly SignatureProblem[] {
  const problem = (message: string, fix: string): SignatureProblem => ({ code: "G207", key: "http", message, fix })
  const problems: SignatureProblem[] = []
  const all = texts.join("\u0000")
  if (/%(?![0-9A-Fa-f]{2})/.test(all))
    problems.push(problem("The URL holds a % without two hexadecimal digits.", "Write %25."))
  if (/[\s\\]/.test(all)) problems.push(problem("The URL holds a space or a backslash.", "Write %20 and /."))
  if (all.includes("#"))
    problems.push(problem("The URL holds a #; what follows one is never sent.", "Leave it out, or write %23."))
  const [path = "", ...queries] = all.split("?")
  if (path.split("/").some(isDots))
    problems.push(problem("The path holds . or .. as a segment.", "Write the path that it leads to."))
  for (const [name, value] of new URLSearchParams(queries.join("?"))) {
    if (!value.includes("\u0000") && looksLikeCredential(value, name)) {
      problems.push({
        code: "G304",
        key: "http",
        message: `The query parameter ${name} looks like a credential.`,
        fix: "Most servers also take it as a header: auth: { header: X-Api-Key, secret: secret:NAME }.",
      })
    }
  }
  return problems
}

const isDots = (segment: string): boolean => /^(\.|%2e){1,2}$/i.test(segment)

/** The template as a text again, for printing. */
export function lowerUrl(template: UrlTemplate, insertions: readonly Expr[]): Expr {
  const first = `${template.method} ${template.texts[0]}`
  if (insertions.length === 0) return lit(first)
  const parts = insertions.flatMap((e, i) => [e, lit(template.texts[i + 1]!)])
  return { op: "text", parts: [lit(first), ...parts].filter((p) => p.op !== "const" || p.value !== "") }
}

/**
 * The URL with its values put in, each percent-encoded as one component. Fails with `Refused` (data `reason`: path or
 * value) where a value would not stay in its place: `..`, an empty path segment, half a character.
 */
export function fillUrl(texts: readonly string[], values: readonly Value[], query?: Value): string {
  if (values.length !== texts.length - 1)
    throw refused("value", `Cannot fill a URL of ${texts.length - 1} insertions with ${values.length} values`)
  let url = texts[0]!
  values.forEach((value, i) => {
    const text = scalarText(value, `insertion ${i + 1} of the URL`)
    if (!url.includes("?")) checkPathValue(text, i)
    url += encodeComponent(text) + texts[i + 1]!
  })
  const path = url.split("?")[0]!.slice(texts[0]!.indexOf("/", texts[0]!.indexOf("//") + 2))
  if (path.split("/").some(isDots)) throw refused("path", "The values make . or .. a segment of the path")
  return url + queryText(query, url.includes("?") ? (/[?&]$/.test(url) ? "" : "&") : "?")
}

/** Many servers decode %2F before they look at `..`: a value must not climb even then. An empty one would name the parent. */
function checkPathValue(text: string, i: number): void {
  const name = `insertion ${i + 1} of the URL`
  if (text === "")
    throw refused("path", `Cannot put an empty text into the path (${name}): it would name another resource`)
  if (text.split(/[/\\]/).some(isDots)) throw refused("path", `Cannot put . or .. into the path (${name})`)
}

/** `a=1&b=2` of a record: null is left out, a list repeats the name. */
function queryText(query: Value | undefined, glue: string): string {
  if (query === undefined || query === null) return ""
  const pairs = pairsOf(query as { readonly [name: string]: Value }, "query")
  return pairs.length === 0 ? "" : glue + pairs.map(([k, v]) => `${encodeComponent(k)}=${encodeComponent(v)}`).join("&")
}

export function pairsOf(record: { readonly [name: string]: Value }, what: string): [string, string][] {
  return Object.entries(record).flatMap(([name, value]) =>
    (Array.isArray(value) ? (value as readonly Value[]) : value === null ? [] : [value]).map((v): [string, string] => [
      name,
      scalarText(v, `${what}.${name}`),
    ]),
  )
}

/** Text of a single value as it stands in URLs and headers. */
export function scalarText(value: Value, what: string): string {
  if (typeof value === "string") {
    if (value.isWellFormed()) return value
    throw refused("value", `Cannot send ${what}: it holds half of a character`)
  }
  if (typeof value === "boolean" || typeof value === "bigint") return String(value)
  if (typeof value === "number" && Number.isFinite(value)) return String(value)
  throw refused("value", `Cannot send ${what}: wanted text, a number or a boolean`)
}

/** RFC 3986's unreserved characters stay, all others are encoded, so that no server can read them as delimiters. */
const encodeComponent = (text: string): string =>
  encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`)

const refused = (reason: string, message: string) => fail("Refused", message, { data: { reason }, undelivered: true })
