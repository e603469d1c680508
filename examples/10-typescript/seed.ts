// Makes shop.db: two orders, one of them empty.
import { rmSync } from "node:fs"
import { DatabaseSync } from "node:sqlite"
import { fileURLToPath } from "node:url"

const file = fileURLToPath(new URL("shop.db", import.meta.url))
rmSync(file, { force: true })
const shop = new DatabaseSync(file)
shop.exec("create table lines (order_id text, article text, weight_kg real, fragile integer)")
shop.exec("insert into lines values ('A17', 'crank', 4.2, 0), ('A17', 'lamp', 0.8, 1), ('A17', 'frame', 11.5, 1)")
shop.close()
console.log("shop.db has 3 lines")
