/**
 * The same five steps behind Hono with what `serve` does for each request beside the work, by hand and as short as it goes: the
 * host's name, limits on a body's size and time, strict JSON, security headers, an id, and a hashed record of input, outcome
 * and run, kept for the last two thousand runs. What none of that is compared with is `hono.ts`.
 */
import { Hono } from "hono"
import { orderOf, totalOf } from "./order.ts"

const BODY_BYTES_MAX = 1 << 20
const BODY_MS_MAX = 15_000
const RUNS_MAX = 2_000
const HEADERS = new Headers({
  "cache-control": "no-store",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "content-type": "application/json",
  "cross-origin-resource-policy": "same-origin",
  "referrer-policy": "no-referrer",
  "x-content-type-options": "nosniff",
})
const HOST = /^(127\.0\.0\.1|localhost)(:\d+)?$/
const utf8 = new TextEncoder()
const strict = new TextDecoder("utf-8", { fatal: true })
const sha256 = (text: string): string => Bun.SHA256.hash(utf8.encode(text), "hex")

const records: string[][] = []
let count = 0

function bodyOf(request: Request): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(() => reject(new RangeError("slow body")), BODY_MS_MAX)
    request.arrayBuffer().then((bytes) => {
      clearTimeout(late)
      resolve(JSON.parse(strict.decode(bytes)))
    }, reject)
  })
}

const refuse = (status: number, title: string): Response =>
  new Response(JSON.stringify({ status, title }), { status, headers: HEADERS })

const app = new Hono()
app.post("/graphs/:name/runs", async (c) => {
  const { raw } = c.req
  if (!HOST.test(raw.headers.get("host") ?? "")) return refuse(403, "Wrong host")
  if (!raw.headers.get("content-type")?.startsWith("application/json")) return refuse(415, "Not JSON")
  if (!(Number(raw.headers.get("content-length")) <= BODY_BYTES_MAX)) return refuse(413, "Body too large")
  const order = orderOf(await bodyOf(raw))
  if (order === undefined) return refuse(422, "Input does not fit")
  const output = totalOf(order)
  const run = `${Date.now().toString(36)}-${count++}`
  const input = sha256(JSON.stringify(order))
  const outcome = sha256(JSON.stringify(output))
  const start = sha256(JSON.stringify(["start", run, input]))
  const trace = sha256(JSON.stringify(["trace", input, outcome]))
  const head = sha256(JSON.stringify(["end", run, start, outcome, trace]))
  records[count % RUNS_MAX] = [run, input, outcome, start, trace, head]
  return new Response(JSON.stringify({ ledger: { head, position: 1 }, output, run, trace }), { headers: HEADERS })
})
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch })
console.log(`listening ${server.port}`)
