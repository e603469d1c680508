/** The five steps of the bench's graph by hand, behind a bare Hono: what the same work costs at least. */
import { Hono } from "hono"

interface Order {
  readonly quantity: number
  readonly price: number
  readonly country: string
}
const isOrder = (x: unknown): x is Order => {
  const o = x as Partial<Order> | null
  return (
    typeof o === "object" &&
    o !== null &&
    typeof o.quantity === "number" &&
    typeof o.price === "number" &&
    typeof o.country === "string"
  )
}

const app = new Hono()
app.post("/graphs/order_total/runs", async (c) => {
  const { input } = (await c.req.json()) as { readonly input?: unknown }
  if (!isOrder(input)) return c.json({ error: "wrong input" }, 422)
  const net = input.quantity * input.price
  const discount = net > 100 ? net * 0.1 : 0
  const tax = (net - discount) * (input.country === "CH" ? 0.081 : 0.19)
  const shipping = net > 50 ? 0 : 7.9
  const total = net - discount + tax + shipping
  return c.json({ output: { total, tax } })
})
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch })
console.log(`listening ${server.port}`)
