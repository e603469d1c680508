/**
 * The storage port on Postgres, through postgres.js, which runs on Bun, Deno and Node. A batch is one transaction whose
 * statements go out together, so that a group of entries costs one round trip and one flush of the server's log.
 */
import postgres from "postgres"
import { KernelError, kernelError } from "../../kernel/mod.ts"
import type { Statement, Storage, StorageRow, StorageValue } from "./port.ts"

export interface PostgresOptions {
  /** `postgres://user:password@host:port/database`, and what else libpq's URLs say. */
  readonly url: string
  /** Milliseconds a query or batch may take, connecting included; then the server counts as out of reach. */
  readonly timeoutMs?: number
  /** Connections at most. */
  readonly connectionsMax?: number
}

/** Fails with `KernelError`: `unavailable`, `conflict`, `full`, `locked`, `readonly`, `corrupt`, `closed`, `storage`. */
export class PostgresStorage implements Storage {
  readonly #sql: postgres.Sql
  readonly #name: string
  readonly #timeoutMs: number
  readonly #texts = new Map<string, string>()
  #open = true

  /** Connects at the first query. Fails with `KernelError` (`unavailable`) for a text that is no URL of Postgres. */
  constructor({ url, timeoutMs = 30_000, connectionsMax = 4 }: PostgresOptions) {
    this.#name = nameOf(url)
    this.#timeoutMs = timeoutMs
    this.#sql = postgres(url, {
      max: connectionsMax,
      connect_timeout: Math.max(1, Math.ceil(timeoutMs / 1_000)),
      onnotice: () => {},
      // What a batch returned from has to survive a crash of the server, whatever its own default is.
      connection: { application_name: "shadowgraph", synchronous_commit: "on" },
    })
  }

  async all(sql: string, params: readonly StorageValue[]): Promise<readonly StorageRow[]> {
    return this.#told("read", async () => {
      const rows = await this.#sql.unsafe(this.#text(sql), params as StorageValue[], { prepare: true })
      return rows.map((row) => Object.fromEntries(Object.entries(row).map(([k, v]) => [k, value(v)])))
    })
  }

  async batch(statements: readonly Statement[]): Promise<void> {
    await this.#told("write", () =>
      this.#sql.begin(async (tx) => {
        await Promise.all(
          statements.map(([sql, params]) =>
            tx.unsafe(this.#text(sql), params as StorageValue[], { prepare: params.length > 0 }),
          ),
        )
      }),
    )
  }

  /** Versions of rows that were overwritten go now, not when the server comes to it. */
  async forget(): Promise<void> {
    await this.all("VACUUM ledger", [])
  }

  /** Ends the connections. Calls after it fail with `closed`; closing twice is no error. */
  async close(): Promise<void> {
    if (!this.#open) return
    this.#open = false
    await this.#sql.end({ timeout: 5 })
  }

  async #told<A>(action: "read" | "write", work: () => Promise<A>): Promise<A> {
    if (!this.#open) throw kernelError("closed", `Cannot ${action} "${this.#name}": it was closed`)
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(
        () => reject(kernelError("unavailable", `no answer in ${this.#timeoutMs} ms`)),
        this.#timeoutMs,
      )
    })
    try {
      return await Promise.race([work(), late])
    } catch (cause) {
      throw postgresError(action, this.#name, cause)
    } finally {
      clearTimeout(timer)
    }
  }

  /** Our statements mark parameters with `?`; Postgres numbers them. */
  #text(sql: string): string {
    let text = this.#texts.get(sql)
    if (text === undefined) {
      let n = 0
      this.#texts.set(sql, (text = sql.replaceAll("?", () => `$${++n}`)))
    }
    return text
  }
}

/** The URL without its password, for messages. */
function nameOf(url: string): string {
  if (!URL.canParse(url) || !/^postgres(ql)?:$/.test(new URL(url).protocol)) {
    throw kernelError(
      "unavailable",
      `Cannot open a ledger at "${url}": want postgres://user:password@host:port/database`,
    )
  }
  const { protocol, username, host, pathname } = new URL(url)
  return `${protocol}//${username === "" ? "" : `${username}@`}${host}${pathname}`
}

/** Buffers become plain bytes, big integers (Postgres hands 64-bit ones over as text) stay text. */
const value = (v: unknown): StorageValue =>
  v instanceof Uint8Array ? new Uint8Array(v.buffer, v.byteOffset, v.byteLength).slice() : (v as StorageValue)

/** SQLSTATE by its beginning (postgresql.org/docs/current/errcodes-appendix.html), and the client's own codes. */
const REASONS: readonly (readonly [RegExp, KernelError["reason"]])[] = [
  [/^23/, "conflict"],
  [/^(40|55)/, "locked"],
  [/^53100$|^54/, "full"],
  [/^25006$|^42501$/, "readonly"],
  [/^XX/, "corrupt"],
  [/^(08|28|3D|53|57P)|^CONN|^E[A-Z]+$/, "unavailable"],
]

function postgresError(action: "read" | "write", name: string, cause: unknown): KernelError {
  const { code, message } = cause as { readonly code?: string; readonly message?: string }
  if (cause instanceof KernelError) return kernelError(cause.reason, `Cannot ${action} "${name}": ${message}`, cause)
  const found = REASONS.find(([of]) => of.test(code ?? ""))
  return kernelError(found?.[1] ?? "storage", `Cannot ${action} "${name}": ${message || code || String(cause)}`, cause)
}
