/** Makes shop.db from the tables in data/. A database is binary and does not show in a diff, so the text is what is kept. */
import { readFileSync, rmSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))

const TABLES = {
  depots: "name text primary key, town text, country text",
  orders: `id integer primary key, placed text, customer text, town text, country text,
    depot text references depots (name), service text, weight_lb real, currency text`,
}

/** Returns how many orders there are. */
export function seed(): number {
  for (const file of ["shop.db", "shop.db-wal", "shop.db-shm"]) rmSync(at(file), { force: true })
  const shop = new DatabaseSync(at("shop.db"))
  let count = 0
  shop.exec("begin")
  for (const [table, columns] of Object.entries(TABLES)) {
    shop.exec(`create table ${table} (${columns})`)
    const [head, ...rows] = readFileSync(at(`data/${table}.csv`), "utf8")
      .trim()
      .split("\n")
    const insert = shop.prepare(`insert into ${table} values (${head!.replace(/\w+/g, "?")})`)
    for (const row of rows) insert.run(...row.split(","))
    count = rows.length
  }
  shop.exec("commit")
  shop.close()
  return count
}

if (import.meta.main) console.log(`shop.db has ${seed()} orders`)
