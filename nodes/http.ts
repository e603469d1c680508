/**
 * The node kind `http`: one request to a host that the file names. The host is constant, so that `check` and a reader
 * know where data goes; values come in through path, query, headers and body, each unable to leave its place. What a
 * status or a broken connection means for retries is decided here; the retrying itself is the VM's.
 */
import {
  type Call,
  type Executor,
  type Expr,
  fail,
  type HttpResponse,
  isRecord,
  type NodeKind,
  type NodeView,
  type RawNode,
  type Rec,
  type Services,
  type Signature,
  type SignatureProblem,
  T,
  type Type,
  type Value,
} from "../graph/mod.ts"
import { type Parse, parseBody, parseOf } from "./body.ts"
import {
  AUTH_ABOUT,
  AUTH_TYPE,
  type Auth,
  authNeeds,
  credential,
  headerProblem,
  isHeaderName,
  isHeaderValue,
  netNeed,
  readAuth,
  rights,
  statusFailure,
  traceHeader,
} from "./endpoint.ts"
import { writeJson } from "./exact-json.ts"
import { need } from "./lack.ts"
import { fillUrl, liftUrl, lowerUrl, pairsOf, READS, readTemplate, scalarText, type UrlTemplate } from "./url.ts"

const LIMIT_DEFAULT = 5_000_000
const LIMIT_MAX = 1_000_000_000
const REDIRECTS_DEFAULT = 5
const REDIRECTS_MAX = 20

const SCALAR = T.union(T.string, T.number, T.int64, T.boolean)
const PAIRS = T.map(T.union(SCALAR, T.null, T.list(SCALAR)))
const HEADERS = T.map(T.union(SCALAR, T.null))
const FULL = (body: Type): Type => T.record({ status: T.number, headers: T.map(T.string), body })

export const http: NodeKind = {
  kind: "http",
  about: "Asks an HTTP server: one request, one answer.",
  main: {
    form: "text",
    type: T.string,
    required: true,
    about: "Method and URL: GET https://host/path?a=${ x }. The host is written out.",
  },
  fields: {
    query: { form: "text", type: PAIRS, about: "Query parameters. null leaves one out, a list repeats it." },
    headers: { form: "text", type: HEADERS, about: "Request headers. Credentials go under `auth`." },
    body: { form: "text", about: "The body: text and bytes as they are, everything else as JSON." },
    form: { form: "text", type: PAIRS, about: "A body as HTML forms send it (x-www-form-urlencoded)." },
    auth: { form: "static", type: AUTH_TYPE, about: AUTH_ABOUT },
    parse: {
      form: "static",
      type: T.enum("json", "text", "bytes"),
      about:
        "How the body is read. Default: by `output`: bytes, text for string, otherwise JSON; without `output` by content type.",
    },
    full: { form: "static", type: T.boolean, about: "Gives { status, headers, body } instead of the body." },
    status: {
      form: "static",
      type: T.list(T.number),
      about: "Statuses that are answers and not failures. Default: 200 to 299.",
    },
    limit: { form: "size", about: "Largest body of an answer, unpacked. Default 5MB." },
    redirects: { form: "static", type: T.number, about: "Redirects to follow. Default 5 for a read, 0 for a write." },
    effect: {
      form: "static",
      type: T.enum("read", "write"),
      about: "What the request does. Default: read for GET, HEAD, OPTIONS and QUERY, write for all others.",
    },
    key_header: {
      form: "static",
      type: T.string,
      about: "The header in which the server takes an idempotency key. A write with one may be retried.",
    },
  },
  takesWith: false,
  lift,
  lower,
  sign,
  open,
}

// ---- the file

function lift(raw: RawNode): { readonly config: Rec; readonly args: RawNode["args"] } | readonly SignatureProblem[] {
  const { http: main, ...others } = raw.args
  const url = liftUrl(main)
  if (!("method" in url)) return url
  const args = url.insertions.length === 0 ? others : { url: { op: "list" as const, items: url.insertions }, ...others }
  return { config: { method: url.method, url: url.texts, ...raw.config }, args }
}

function lower(node: { readonly config: Rec; readonly args: { readonly [name: string]: Expr } }): RawNode {
  const { method, url, ...config } = node.config
  const { url: insertions, ...args } = node.args
  const items = insertions?.op === "list" ? insertions.items : []
  return {
    config,
    args: { http: lowerUrl({ method, texts: url } as unknown as UrlTemplate, items), ...args },
    with: {},
  }
}

// ---- the check

interface Settings {
  readonly template: UrlTemplate
  readonly host: string
  readonly auth: Auth | undefined
  readonly effect: "read" | "write"
  readonly parse: Parse
  readonly full: boolean
  /** `undefined`: 200 to 299. */
  readonly status: readonly number[] | undefined
  readonly bytesMax: number
  readonly redirectsMax: number
  readonly keyHeader: string | undefined
}

/** The settings of a node, or all that is wrong with them. `output` decides how a body is read. */
function readSettings(config: Rec, output: Type | undefined): Settings | readonly SignatureProblem[] {
  const problems: SignatureProblem[] = []
  const refuse = (key: string, message: string, fix?: string) =>
    problems.push({ code: "G207", key, message, ...(fix === undefined ? {} : { fix }) })
  const bounded = (key: string, fallback: number, max: number): number => {
    const n = config[key] ?? fallback
    if (Number.isInteger(n) && (n as number) >= 0 && (n as number) <= max) return n as number
    refuse(key, `\`${key}\` is ${JSON.stringify(n)}, wanted a whole number from 0 to ${max}.`)
    return fallback
  }
  const url = readTemplate(config)
  if (!("template" in url)) problems.push(...url)
  const method = String(config["method"])
  const auth = readAuth(config["auth"])
  if (Array.isArray(auth)) problems.push(...(auth as readonly SignatureProblem[]))
  const effect = config["effect"] === "read" || (READS.has(method) && config["effect"] !== "write") ? "read" : "write"
  const full = config["full"] === true
  if (method === "HEAD" && !full)
    refuse("http", "An answer to HEAD has no body, so this node gives nothing.", "Write full: true.")
  const parse = parseOf(config["parse"], full ? bodyType(output) : output)
  if (typeof parse !== "string") problems.push(parse)
  const status = config["status"]
  if (status !== undefined && !(Array.isArray(status) && status.length > 0 && status.every(isStatus)))
    refuse("status", "`status` is a list of statuses from 200 to 599.", "Write status: [200, 404].")
  const keyHeader = config["key_header"]
  if (keyHeader !== undefined) {
    if (typeof keyHeader !== "string" || !isHeaderName(keyHeader) || headerProblem(keyHeader, undefined))
      refuse(
        "key_header",
        `${JSON.stringify(keyHeader)} is no header that a key can go into.`,
        "Write key_header: Idempotency-Key.",
      )
    else if (effect === "read")
      refuse("key_header", "A read has no use for an idempotency key.", "Leave `key_header` out.")
  }
  const bytesMax = bounded("limit", LIMIT_DEFAULT, LIMIT_MAX)
  const redirectsMax = bounded("redirects", effect === "read" ? REDIRECTS_DEFAULT : 0, REDIRECTS_MAX)
  if (problems.length > 0 || !("template" in url)) return problems
  return {
    template: url.template,
    host: url.origin.host,
    auth: auth as Auth | undefined,
    effect,
    parse: parse as Parse,
    full,
    status: status as readonly number[] | undefined,
    bytesMax,
    redirectsMax,
    keyHeader: keyHeader as string | undefined,
  }
}

const isStatus = (n: Value): boolean => Number.isInteger(n) && (n as number) >= 200 && (n as number) <= 599

/** The type of `body` in a declared `{ status, headers, body }`. */
const bodyType = (output: Type | undefined): Type | undefined =>
  output?.kind === "record" && Object.hasOwn(output.fields, "body") ? output.fields["body"]!.type : undefined

function sign(node: NodeView): Signature | readonly SignatureProblem[] {
  // Where the text of the URL is still there, something kept `lift` from being asked, or it refused.
  const text = node.args["http"]
  const lifted = text === undefined ? undefined : liftUrl(text)
  if (lifted !== undefined && !("method" in lifted)) return lifted
  const config = lifted === undefined ? node.config : { ...node.config, method: lifted.method, url: lifted.texts }
  const settings = readSettings(config, node.output)
  const problems = [...("template" in settings ? [] : settings), ...argProblems(node)]
  if (problems.length > 0 || !("template" in settings)) return problems
  const { host, effect, auth, full, keyHeader } = settings
  // Said again here: the checker holds arguments to the signature.
  const types = {
    url: T.list(SCALAR),
    query: PAIRS,
    headers: HEADERS,
    form: PAIRS,
    body: T.unknown,
    http: T.unknown,
  }
  const given = Object.entries(types).filter(([name]) => Object.hasOwn(node.args, name))
  return {
    effect,
    resource: `host:${host}`,
    needs: [netNeed(host), ...authNeeds(auth)],
    input: T.record(Object.fromEntries(given)),
    output: full ? FULL(bodyType(node.output) ?? T.unknown) : (node.output ?? T.unknown),
    sinks: {
      url: settings.template.texts.slice(0, -1).some(
        (_, i, all) =>
          !all
            .slice(0, i + 1)
            .join("")
            .includes("?"),
      )
        ? "url-path"
        : "url-query",
      query: "url-query",
      headers: "header",
      body: "body",
      form: "body",
    },
    ...(effect === "write" ? { keyed: keyHeader !== undefined } : {}),
  }
}

function argProblems(node: NodeView): SignatureProblem[] {
  const problems: SignatureProblem[] = []
  const { args, config } = node
  if (args["body"] && args["form"])
    problems.push({
      code: "G207",
      key: "form",
      message: "A request has one body: `body` or `form`.",
      fix: "Leave one out.",
    })
  const sends = args["body"] ? "body" : args["form"] ? "form" : undefined
  if (sends !== undefined && (config["method"] === "GET" || config["method"] === "HEAD")) {
    problems.push({
      code: "G207",
      key: sends,
      message: `${config["method"]} carries no body.`,
      fix: "Write `query:`, or another method.",
    })
  }
  for (const [name, value] of constantFields(args["headers"])) {
    const problem = headerProblem(name, value)
    if (problem) problems.push(problem)
  }
  return problems
}

/** The fields of a record that is written out, each with its text where that is constant. */
function constantFields(e: Expr | undefined): readonly (readonly [name: string, value: string | undefined])[] {
  if (e?.op === "record") {
    return e.fields.map(([name, v]) => [name, v.op === "const" && typeof v.value === "string" ? v.value : undefined])
  }
  if (e?.op !== "const" || !isRecord(e.value)) return []
  return Object.entries(e.value).map(([name, v]) => [name, typeof v === "string" ? v : undefined])
}

// ---- the call

function open(config: Rec, _resources: NodeView["resources"], services: Services, signature: Signature): Executor {
  const settings = readSettings(config, signature.output)
  if (!("template" in settings))
    throw fail("Refused", `Cannot open an http node: ${settings[0]!.message}`, { data: { reason: "config" } })
  return { execute: (args, call) => ask(settings, isRecord(args) ? args : {}, services, call) }
}

async function ask(settings: Settings, args: Rec, services: Services, call: Call): Promise<Value> {
  const { template, host, auth } = settings
  const client = need(services.http, `ask ${host}`, "HTTP client")
  const url = fillUrl(template.texts, (args["url"] as readonly Value[] | undefined) ?? [], args["query"])
  const { body, type } = requestBody(args)
  const { headers: credentials, hidden } = credential(auth, services)
  const response = await client.request({
    method: template.method,
    url,
    headers: {
      accept: settings.parse === "json" ? "application/json" : "*/*",
      "user-agent": "shadowgraph",
      ...traceHeader(call),
      ...(type === undefined ? {} : { "content-type": type }),
      ...requestHeaders(args["headers"]),
      ...(settings.keyHeader === undefined ? {} : { [settings.keyHeader.toLowerCase()]: call.key }),
      ...credentials,
    },
    ...(body === undefined ? {} : { body }),
    bytesMax: settings.bytesMax,
    signal: call.signal,
    repeatable: settings.effect === "read",
    redirectsMax: settings.redirectsMax,
    ...rights(host, services),
  })
  call.spent?.({ bytes: (body?.length ?? 0) + response.body.length })
  const what = `${template.method} ${host}${new URL(url).pathname}`
  const accepted = settings.status?.includes(response.status) ?? (response.status >= 200 && response.status < 300)
  if (!accepted) throw statusFailure(what, response, hidden)
  const parsed = template.method === "HEAD" ? null : parseBody(settings.parse, response, what, hidden)
  return settings.full ? { status: response.status, headers: shownHeaders(response), body: parsed } : parsed
}

function requestBody(args: Rec): { readonly body?: Uint8Array; readonly type?: string } {
  const utf8 = new TextEncoder()
  if (args["form"] !== undefined) {
    const form = new URLSearchParams(pairsOf(args["form"] as Rec, "form"))
    return { body: utf8.encode(form.toString()), type: "application/x-www-form-urlencoded" }
  }
  const body = args["body"]
  if (body === undefined) return {}
  if (body instanceof Uint8Array) return { body, type: "application/octet-stream" }
  if (typeof body === "string") return { body: utf8.encode(body), type: "text/plain; charset=utf-8" }
  return { body: utf8.encode(writeJson(body)), type: "application/json" }
}

/** Headers of the call, in lower case, checked again: names and values may have come from a run. */
function requestHeaders(given: Value | undefined): Record<string, string> {
  if (given === undefined || given === null) return {}
  const out: Record<string, string> = {}
  for (const [name, value] of Object.entries(given as Rec)) {
    if (value === null) continue
    const text = scalarText(value, `headers.${name}`)
    if (headerProblem(name, undefined) || !isHeaderValue(text)) {
      throw fail("Refused", `Cannot send the header ${JSON.stringify(name)}: its name or value is not allowed`, {
        data: { reason: "header" },
        undelivered: true,
      })
    }
    out[name.toLowerCase()] = text
  }
  return out
}

/** What a server sets for a browser to keep is a credential, and would be kept in a ledger. */
const shownHeaders = (response: HttpResponse): Rec =>
  Object.fromEntries(Object.entries(response.headers).filter(([name]) => !/^set-cookie2?$/.test(name)))
