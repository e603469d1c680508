/** Makes shop.db from data/orders.csv. A database is binary and does not show in a diff, so the text is what is kept. */
import { readFileSync, rmSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

/** Returns how many orders there are. */
export function seed(): number {
  for (const file of ["shop.db", "shop.db-wal", "shop.db-shm"]) rmSync(at(file), { force: true })
  const shop = new DatabaseSync(at("shop.db"))
  shop.exec(`create table orders (
    id integer primary key, placed text, customer text, town text, country text, depot text,
    service text, weight_lb real, currency text)`)
  const rows = readFileSync(at("data/orders.csv"), "utf8").trim().split("\n").slice(1)
  const insert = shop.prepare("insert into orders values (?, ?, ?, ?, ?, ?, ?, ?, ?)")
  shop.exec("begin")
  for (const row of rows) insert.run(...row.split(","))
  shop.exec("commit")
  shop.close()
  return rows.length
}

if (import.meta.main) console.log(`shop.db has ${seed()} orders`)
