/** A shop to run real graphs against: a database of order lines, a folder of files, a server of exchange rates. */

import * as http from "node:http"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { listening } from "../contract/servers.ts"
import { folderWith } from "./command.ts"

export interface Shop {
  readonly folder: string
  /** `127.0.0.1:<port>` of the server of rates. */
  readonly rates: string
  /** Requests that the server got. */
  readonly asked: string[]
}

export const quote = (rates: string): string => `graph: delivery_quote
about: Quote a delivery in the customer's currency.
types:
  Line: { weight_kg: number, distance_km: number }
input:
  order: string
  currency: EUR | USD | GBP
  margin: number = 1.5
servers:
  files:
    stdio: [node, node_modules/@modelcontextprotocol/server-filesystem/dist/index.js, ./data]
    reads: [read_text_file]
databases:
  shop: sqlite:./shop.db
nodes:
  lines:
    sql: shop
    query: select weight_kg, distance_km from lines where order_id = :order
    with: { order: "\${ input.order }" }
    output: [Line]
  tariff:
    mcp: files/read_text_file
    with: { path: tariff.json }
    parse: json
    output: { per_kg: number, per_km: number }
  rates:
    http: GET http://${rates}/latest
    output: { rates: { "*": number } }
  cost:
    map: lines
    as: line
    parallel: 16
    do:
      expr: line.weight_kg * tariff.per_kg + line.distance_km * tariff.per_km
  quote:
    when: cost.sum() > 1000
    then: { expr: { amount: "0.0", currency: input.currency } }
    else:
      expr:
        amount: cost.sum() * input.margin * rates.rates[input.currency]
        currency: input.currency
output: quote
`

/** The shop with its graph `quote.graph.yaml`; order A17 has the lines (2 kg, 10 km) and (4 kg, 20 km). */
export async function openShop(files: { readonly [path: string]: string } = {}): Promise<Shop> {
  const asked: string[] = []
  const server = http.createServer((q, r) => {
    asked.push(`${q.method} ${q.url}`)
    if (q.url === "/hang") return
    r.writeHead(200, { "content-type": "application/json" }).end(
      JSON.stringify({ rates: { EUR: 1, USD: 1.25, GBP: 0.5 } }),
    )
  })
  const rates = `127.0.0.1:${await listening(server)}`
  const folder = folderWith({
    "quote.graph.yaml": quote(rates),
    "data/tariff.json": JSON.stringify({ per_kg: 0.5, per_km: 0.25 }),
    ...files,
  })
  const db = new DatabaseSync(join(folder, "shop.db"))
  db.exec("create table lines (order_id text, weight_kg real, distance_km real)")
  db.exec("insert into lines values ('A17', 2, 10), ('A17', 4, 20), ('B2', 1, 1)")
  db.close()
  return { folder, rates, asked }
}
