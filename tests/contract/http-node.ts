/**
 * An `http` node as a test writes it, taken the whole way: from the text in a file through lift, check and open to the
 * call, against a real server that answers by path.
 */
import { afterAll, beforeAll } from "bun:test"
import * as server from "node:http"
import type { AddressInfo } from "node:net"
import {
  type Expr,
  lit,
  type NodeView,
  type Rec,
  ref,
  type Signature,
  type SignatureProblem,
  type Type,
  type Value,
} from "../../graph/mod.ts"
import { http } from "../../nodes/mod.ts"
import { callOf, type Lent, services } from "./services.ts"

/** `${ name }` in a text of the tests is an insertion; everything else is as a file has it. */
export function text(source: string): Expr {
  const parts = source.split(/\$\{ (\w+) \}/).map((p, i): Expr => (i % 2 === 0 ? lit(p) : ref(p)))
  return parts.length === 1 ? parts[0]! : { op: "text", parts: parts.filter((p) => p.op !== "const" || p.value !== "") }
}
export const record = (fields: Record<string, Expr | string>): Expr => ({
  op: "record",
  fields: Object.entries(fields).map(([k, v]) => [k, typeof v === "string" ? text(v) : v]),
})

export interface Written {
  readonly http: string
  readonly config?: Rec
  readonly args?: Record<string, Expr>
  readonly output?: Type
}
const isSignature = (s: Signature | readonly SignatureProblem[]): s is Signature => !Array.isArray(s)

export function checked(
  node: Written,
): { signature: Signature; config: Rec; args: Record<string, Expr> } | readonly SignatureProblem[] {
  const lifted = http.lift!({ config: node.config ?? {}, args: { http: text(node.http), ...node.args }, with: {} })
  if (!("config" in lifted)) return lifted
  const view: NodeView = {
    name: "it",
    config: lifted.config,
    args: lifted.args,
    ...(node.output ? { output: node.output } : {}),
    settings: {},
    resources: {},
    pin: () => undefined,
  }
  const signature = http.sign(view)
  return isSignature(signature) ? { signature, config: lifted.config, args: { ...lifted.args } } : signature
}
export function signed(node: Written): Signature {
  const c = checked(node)
  if (!("signature" in c)) throw new Error(c.map((p) => `${p.code} ${p.key}: ${p.message}`).join("\n"))
  return c.signature
}
export function problems(node: Written): readonly string[] {
  const c = checked(node)
  return "signature" in c ? [] : c.map((p) => `${p.code} ${p.key}`)
}

/** Runs a node whose insertions are the values of `names`. */
export async function ask(node: Written, values: Rec = {}, world: Lent = {}, call = callOf()): Promise<Value> {
  const c = checked(node)
  if (!("signature" in c)) throw new Error(c.map((p) => `${p.code} ${p.key}: ${p.message}`).join("\n"))
  const value = (e: Expr): Value => {
    switch (e.op) {
      case "const":
        return e.value
      case "ref":
        return values[e.name]!
      case "list":
        return e.items.map(value)
      case "record":
        return Object.fromEntries(e.fields.map(([k, v]) => [k, value(v)]))
      case "text":
        return e.parts.map((p) => String(value(p))).join("")
      default:
        throw new Error(`the tests write no ${e.op}`)
    }
  }
  const args = Object.fromEntries(Object.entries(c.args).map(([k, e]) => [k, value(e)]))
  const executor = await http.open(c.config, {}, services({ grants: c.signature.needs, ...world }), c.signature)
  return (await executor.execute(args, call)) as Value
}

export interface Site {
  seen: { method: string; url: string; headers: server.IncomingHttpHeaders; body: string }[]
  base: string
  host: string
  port: string
}

/** Starts the server for the tests of the file that calls, and closes it after. */
export function startSite(): Site {
  const site: Site = { seen: [], base: "", host: "", port: "" }
  const main = answering(site)
  beforeAll(async () => {
    await new Promise<void>((ok) => main.listen(0, "127.0.0.1", ok))
    site.port = String((main.address() as AddressInfo).port)
    site.host = `127.0.0.1:${site.port}`
    site.base = `http://${site.host}`
  })
  afterAll(() => {
    main.closeAllConnections()
    main.close()
  })
  return site
}

const answering = (site: Site) =>
  server.createServer((q, r) => {
    let body = ""
    q.on("data", (d) => (body += d))
    q.on("end", () => {
      site.seen.push({ method: q.method!, url: q.url!, headers: q.headers, body })
      const url = new URL(q.url!, "http://x")
      const [, what, rest] = /^\/(\w+)\/?(.*)$/.exec(url.pathname) ?? []
      const json = (text: string) => void r.writeHead(200, { "content-type": "application/json" }).end(text)
      switch (what) {
        case "json":
          return json(decodeURIComponent(rest!))
        case "typed":
          return void r.writeHead(200, { "content-type": url.searchParams.get("type")! }).end(decodeURIComponent(rest!))
        case "latin":
          return void r.writeHead(200, { "content-type": "text/plain; charset=iso-8859-1" }).end(Buffer.from([0xfc]))
        case "binary":
          return void r.end(Buffer.from([0, 255, 128, 10]))
        case "status":
          return void r
            .writeHead(Number(rest), { "retry-after": "7" })
            .end(`sorry, ${q.headers.authorization ?? "no one"}`)
        case "empty":
          return void r.writeHead(204).end()
        case "to":
          return void r.writeHead(302, { location: decodeURIComponent(rest!) }).end()
        case "deep":
          return json("[".repeat(100_000) + "]".repeat(100_000))
        case "endless": {
          const more = () => {
            while (!r.destroyed && r.write("x".repeat(10_000)));
            if (!r.destroyed) r.once("drain", more)
          }
          return more()
        }
        case "hang":
          return
        default:
          return void r.writeHead(200, { "content-type": "application/json", "set-cookie": "id=1" }).end('{"ok":true}')
      }
    })
  })
