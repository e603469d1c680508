/** Errors of SQLite, whichever host speaks to it, as the reasons that a ledger's caller acts on. */
import { KernelError, kernelError } from "../../kernel/mod.ts"

/** SQLite's primary result codes (sqlite.org/rescode.html), and the words they come with where a host leaves the code out. */
const REASONS: readonly (readonly [codes: readonly number[], words: RegExp, reason: KernelError["reason"]])[] = [
  [[5, 6], /database (table )?is locked|busy/i, "locked"],
  [[11, 26], /malformed|not a database|corrupt/i, "corrupt"],
  [[13, 18], /disk is full|too big/i, "full"],
  [[14], /unable to open|ENOTDIR|EACCES|EPERM/i, "unavailable"],
  [[8], /readonly|read-only/i, "readonly"],
  [[19], /constraint/i, "conflict"],
]

/** `room`: whether the disk has any. Without it SQLite may only say that something went wrong with a file beside the database. */
export function sqliteError(
  action: "open" | "read" | "write",
  where: string,
  cause: unknown,
  room = true,
): KernelError {
  const { errcode, message } = cause as { readonly errcode?: number; readonly message?: string }
  if (cause instanceof KernelError) return kernelError(cause.reason, `Cannot ${action} ${where}: ${message}`, cause)
  const primary = errcode === undefined ? -1 : errcode & 0xff
  const found = REASONS.find(([codes, words]) => codes.includes(primary) || (primary < 0 && words.test(message ?? "")))
  if (found === undefined && !room)
    return kernelError("full", `Cannot ${action} ${where}: the disk is full (${message ?? String(cause)})`, cause)
  return kernelError(found?.[2] ?? "storage", `Cannot ${action} ${where}: ${message ?? String(cause)}`, cause)
}
