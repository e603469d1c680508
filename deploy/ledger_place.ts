/**
 * Where a project's ledger is: a file of its own folder, a Postgres server, or the memory of this process; said by
 * `--ledger`, by the project's file, or by whoever opens a session.
 */
import { kernelError } from "../kernel/mod.ts"
import type { SqlLedger, SqlLedgerOptions } from "./ledger_sql.ts"

/** `file`: `.shadowgraph/ledger.db` in the folder. A URL of Postgres may be the secret that holds it: `secret:NAME`. */
export type LedgerPlace = "file" | "memory" | `postgres${string}` | `secret:${string}`
export const LEDGER_PLACES = "file, memory, postgres://user:password@host:port/database, or secret:NAME of such a URL"

export const isLedgerPlace = (text: string): text is LedgerPlace =>
  /^(file|memory|postgres(ql)?:\/\/.+|secret:.+)$/.test(text)

/** Opens a ledger, and makes it where there is none: at `file`, or where `place` says. Fails with `KernelError`. */
export async function openLedgerAt(
  place: Exclude<LedgerPlace, "memory">,
  file: string,
  secret: (name: string) => string | undefined,
  kept: Pick<SqlLedgerOptions, "signer" | "keepHead">,
): Promise<SqlLedger> {
  const { SqlLedger } = await import("./ledger_sql.ts")
  if (place === "file") {
    const { SqliteStorage } = await import("./storage_sqlite.ts")
    return SqlLedger.open({ storage: new SqliteStorage({ file }), ...kept })
  }
  const { PostgresStorage } = await import("./storage_postgres.ts")
  const storage = new PostgresStorage({ url: urlOf(place, secret) })
  try {
    return await SqlLedger.open({ storage, dialect: "postgres", ...kept })
  } catch (cause) {
    await storage.close()
    throw cause
  }
}

function urlOf(place: string, secret: (name: string) => string | undefined): string {
  if (!place.startsWith("secret:")) return place
  const name = place.slice("secret:".length)
  const url = secret(name)
  if (url !== undefined) return url
  throw kernelError("unavailable", `Cannot open the ledger: there is no secret "${name}"; set ${name} to its URL`)
}
