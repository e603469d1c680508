// Makes shop.db from data/lines.csv. A database is binary and does not show in a diff, so the text is what is kept.
import { readFileSync, rmSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"

const at = (path: string) => new URL(path, import.meta.url).pathname
rmSync(at("shop.db"), { force: true })
const shop = new DatabaseSync(at("shop.db"))
shop.exec("create table lines (order_id text, article text, pieces integer, weight_kg real)")
shop.exec("create table quotes (order_id text primary key, weight_kg real, amount real)")
const insert = shop.prepare("insert into lines values (?, ?, ?, ?)")
const rows = readFileSync(at("data/lines.csv"), "utf8").trim().split("\n").slice(1)
for (const row of rows) {
  const [order, article, pieces, weight] = row.split(",")
  insert.run(order!, article!, Number(pieces), Number(weight))
}
shop.close()
console.log(`shop.db has ${rows.length} lines`)
