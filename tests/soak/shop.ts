/**
 * The HTTP tool of the soak, a process of its own that is killed and comes back on the same port. It tells prices, takes its
 * time, and takes payments: each key once, into books on the disk that outlive it.
 */
import { appendFileSync, existsSync, readFileSync } from "node:fs"
import { BOOKS, priceOf, receiptOf } from "./house.ts"

const taken = new Map<string, string>()
if (existsSync(BOOKS))
  for (const line of readFileSync(BOOKS, "utf8").split("\n").slice(0, -1)) {
    const { key, receipt } = JSON.parse(line) as { readonly key: string; readonly receipt: string }
    taken.set(key, receipt)
  }

async function pay(request: Request): Promise<Response> {
  const { id, amount } = (await request.json()) as { readonly id: string; readonly amount: number }
  const key = request.headers.get("idempotency-key")
  if (key === null) return new Response("no key", { status: 400 })
  const receipt = taken.get(key) ?? receiptOf(id, amount)
  if (!taken.has(key)) {
    taken.set(key, receipt)
    appendFileSync(BOOKS, `${JSON.stringify({ key, id, receipt })}\n`)
  }
  return Response.json({ receipt })
}

const server = Bun.serve({
  hostname: "127.0.0.1",
  port: Number(process.argv[2] ?? 0),
  async fetch(request) {
    const [, what = "", word = ""] = new URL(request.url).pathname.split("/")
    if (what === "price") return Response.json({ price: priceOf(Number(word)) })
    if (what === "pay") return pay(request)
    await Bun.sleep(Number(word))
    return Response.json({ waited: Number(word) })
  },
})
console.log(`listening ${server.port}`)
