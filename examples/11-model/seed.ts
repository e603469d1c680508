// Makes shop.db: what is in store.
import { rmSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"

const file = fileURLToPath(new URL("shop.db", import.meta.url))
rmSync(file, { force: true })
const shop = new DatabaseSync(file)
shop.exec("create table stock (article text primary key, pieces integer, bin text)")
shop.exec("insert into stock values ('crank', 14, 'A-03'), ('gear', 812, 'A-11'), ('spring', 0, 'C-07')")
shop.close()
console.log("shop.db has 3 articles")
