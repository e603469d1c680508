/** The five steps of the bench's graph by hand, behind a bare Hono: what the same work costs at least. */
import { Hono } from "hono"
import { orderOf, totalOf } from "./order.ts"

const app = new Hono()
app.post("/graphs/order_total/runs", async (c) => {
  const order = orderOf(await c.req.json())
  return order === undefined ? c.json({ error: "wrong input" }, 422) : c.json({ output: totalOf(order) })
})
const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: app.fetch })
console.log(`listening ${server.port}`)
