// The process that is killed: goes on with every run that its ledger knows to be unfinished, then begins new ones, several at
// once, until there are as many as wanted. A write that nobody knows the end of is answered as a person would: by asking
// the server's own books.
import { resume } from "../../deploy/engine/again.ts"
import { Engine, type RunResult } from "../../deploy/engine/engine.ts"
import { SqlLedger } from "../../deploy/ledger/sql.ts"
import { systemChance } from "../../deploy/services/chance.ts"
import { systemClock } from "../../deploy/services/clock.ts"
import { hostDigest } from "../../deploy/services/digest.ts"
import { SqliteStorage } from "../../deploy/storage/sqlite.ts"
import { printPath } from "../../graph/mod.ts"
import type { Reply, Wait } from "../../kernel/mod.ts"
import { GRANTS, isUndone, kinds, plan } from "./tools.ts"

const AT_ONCE = 4
const [file, server, wanted] = process.argv.slice(2) as [string, string, string]

const store = await SqlLedger.open({ storage: new SqliteStorage({ file }) })
const engine = new Engine({
  registry: kinds(server),
  digest: hostDigest,
  services: { clock: systemClock, chance: systemChance },
  store,
  parks: true,
})

/** What the server's books say of a write: done, with its value, or never arrived. */
async function reply({ path, request }: Wait): Promise<Reply> {
  const { put, post } = request["args"] as { readonly put?: string; readonly post?: string }
  const books = await fetch(`${server}/books`, { method: "POST", body: JSON.stringify({ at: put ?? post }) })
  const { value } = (await books.json()) as { readonly value?: number }
  return value === undefined ? { path, how: "again" } : { path, how: "delivered", value }
}

async function toTheEnd(result: RunResult | undefined, run: string): Promise<void> {
  let found = result ?? (await resume(engine, run, { grants: GRANTS, by: "restart" }))
  while (found.parked !== undefined) {
    const replies = await Promise.all(found.parked.map(reply))
    found = await resume(engine, run, { grants: GRANTS, replies, by: "operator" })
  }
  if (!found.outcome.ok && !isUndone(run)) {
    const { code, message, path } = found.outcome.failure
    process.stderr.write(`${run} failed: ${code} ${message} at ${printPath(path ?? [])}\n`)
  }
}

const heads = await store.runs("", 100_000)
const work: (() => Promise<void>)[] = heads
  .filter((h) => !h.ended)
  .map(
    ({ run }) =>
      () =>
        toTheEnd(undefined, run),
  )
const order = await engine.prepare(plan(server, "orders"), { grants: GRANTS })
const trip = await engine.prepare(plan(server, "trip"), { grants: GRANTS })
for (let i = heads.length; i < Number(wanted); i++) {
  const id = `r${i}`
  work.push(async () => toTheEnd(await (isUndone(id) ? trip : order).run({ id, n: 1 }, { id }), id))
}
process.stdout.write("works\n")
await Promise.all(
  Array.from({ length: AT_ONCE }, async () => {
    for (let next = work.shift(); next !== undefined; next = work.shift()) await next()
  }),
)
await engine.close()
