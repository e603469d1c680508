/**
 * Where a project's ledger is: a file of its own folder, a Postgres server, or the memory of this process; said by
 * `--ledger`, by the project's file, or by whoever opens a session.
 */
import { join } from "node:path"
import type { SignedHead } from "../../audit/mod.ts"
import { hex } from "../../graph/mod.ts"
import { kernelError } from "../../kernel/mod.ts"
import { OWN_FOLDER } from "../project/own_folder.ts"
import { systemChance } from "../services/chance.ts"
import { hostDigest } from "../services/digest.ts"
import type { SqlLedger } from "./sql.ts"

export const LEDGER_FILE = `${OWN_FOLDER}/ledger.db`
/** Signs the log of heads. Keep it apart from backups of the ledger: who has both can write both anew. */
export const LEDGER_KEY = `${OWN_FOLDER}/ledger.key`

/** `file`: `.shadowgraph/ledger.db` in the folder. A URL of Postgres may be the secret that holds it: `secret:NAME`. */
export type LedgerPlace = "file" | "memory" | `postgres${string}` | `secret:${string}`
export const LEDGER_PLACES = "file, memory, postgres://user:password@host:port/database, or secret:NAME of such a URL"

export const isLedgerPlace = (text: string): text is LedgerPlace =>
  /^(file|memory|postgres(ql)?:\/\/.+|secret:.+)$/.test(text)

/** A process may be silent for so long before another takes up what it had in flight. */
const LEASE_MS = 15_000

/** Where the last signed head is kept beside the ledger's key, so that a ledger that was cut or put back is noticed. */
export function headsFile(folder: string, place: Exclude<LedgerPlace, "memory">): string {
  const which = place === "file" ? "" : `.${hex(hostDigest(new TextEncoder().encode(place))).slice(0, 12)}`
  return join(folder, OWN_FOLDER, `ledger.heads${which}.json`)
}

/** Opens a folder's ledger with its key, and makes both where there are none. Fails with `KernelError`. */
export async function openLedgerAt(
  folder: string,
  place: Exclude<LedgerPlace, "memory">,
  secret: (name: string) => string | undefined,
  leaseMs: number = LEASE_MS,
): Promise<SqlLedger> {
  const { openLedgerKey } = await import("../services/ledger_key.ts")
  const { signer, publicKey } = await openLedgerKey(join(folder, LEDGER_KEY))
  const heads = headsFile(folder, place)
  let ledger: SqlLedger | undefined
  const keepHead = async (head: SignedHead) => {
    const { keepHeads } = await import("./proof.ts")
    await keepHeads(
      heads,
      [publicKey],
      head,
      async (before) => (await ledger?.archive.holds(before, hostDigest)) === true,
    )
  }
  const kept = { digest: hostDigest, signer, keepHead, holder: { id: hex(systemChance.bytes(10)), leaseMs } }
  const { SqlLedger } = await import("./sql.ts")
  if (place === "file") {
    const { SqliteStorage } = await import("../storage/sqlite.ts")
    return (ledger = await SqlLedger.open({ storage: new SqliteStorage({ file: join(folder, LEDGER_FILE) }), ...kept }))
  }
  const { PostgresStorage } = await import("../storage/postgres.ts")
  const storage = new PostgresStorage({ url: urlOf(place, secret) })
  try {
    return (ledger = await SqlLedger.open({ storage, dialect: "postgres", ...kept }))
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
