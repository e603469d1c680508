/**
 * What the soak serves: five graphs that need a tool over HTTP, a tool of MCP or none, what each has to answer, and the folder
 * that they lie in.
 */
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { orderGraph } from "../../bench/http/order.ts"

/** The file into which the MCP tool writes its process's id. */
export const ADDER_PID = "adder.pid"
/** The books of the HTTP tool: a line for each payment that it took. */
export const BOOKS = "books.txt"

const price = (shop: string): string => `graph: price
input: { item: number, quantity: number }
nodes:
  each: { http: "GET http://${shop}/price/\${ input.item }", output: { price: number } }
output: { cost: each.price * input.quantity }
`
const pay = (shop: string): string => `graph: pay
input: { id: string, amount: number }
nodes:
  paid:
    http: POST http://${shop}/pay
    body: { id: "\${ input.id }", amount: "\${ input.amount }" }
    key_header: Idempotency-Key
    retry: 6
    output: { receipt: string }
output: { receipt: paid.receipt }
`
const slow = (shop: string): string => `graph: slow
input: { ms: number }
nodes:
  waited: { http: "GET http://${shop}/slow/\${ input.ms }", output: { waited: number } }
output: { waited: waited.waited }
`
const ADD = `graph: add
input: { a: number, b: number }
servers:
  adder: { stdio: [sh, -c, "echo $$ > ${ADDER_PID}; exec node adder.mjs mood"], reads: [add] }
nodes:
  added:
    mcp: adder/add
    with: { a: "\${ input.a }", b: "\${ input.b }" }
output: { sum: added.sum }
`

/** @param shop Where the HTTP tool listens: `127.0.0.1:<port>`. */
export function furnish(folder: string, shop: string): void {
  const adder = join(import.meta.dirname, "..", "proxy", "adder.mjs")
  const graphs = { order: orderGraph("order"), price: price(shop), pay: pay(shop), slow: slow(shop), add: ADD }
  for (const [name, text] of Object.entries(graphs)) writeFileSync(join(folder, `${name}.graph.yaml`), text)
  writeFileSync(join(folder, "adder.mjs"), `import ${JSON.stringify(adder)}\n`)
}

export const priceOf = (item: number): number => item * 7 + 3
export const receiptOf = (id: string, amount: number): string => `${id}:${amount}`
