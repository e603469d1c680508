/**
 * Tokens of `serve`: who may run what. The file holds no token, only the SHA-256 of each beside what it grants, until when,
 * and for which graphs; it is read again whenever it changed, so a token that was revoked stops at the next request. What
 * cannot be read lets nobody in.
 */
import { createHash, randomBytes, timingSafeEqual } from "node:crypto"
import { mkdir, readFile, rename, stat, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { CapabilityError, narrow, parseCapability } from "../graph/mod.ts"
import { BudgetProblem, readBudgets } from "./budget.ts"
import { type Holder, TokenError, type TokenReason } from "./http/holder.ts"
import { why } from "./project.ts"

/** Beside the ledger, and as little a part of the repository. */
export const TOKENS_FILE = ".shadowgraph/tokens.json"

/** A token as it is kept. Times are ISO 8601, UTC. */
export interface TokenEntry {
  readonly name: string
  /** Of the token's text, lower-case hex. */
  readonly sha256: string
  /** What it hands on of the server's own grants; what it names beyond them is not had. */
  readonly grants: readonly string[]
  /** Names of the graphs that it may run; all where it is left out. */
  readonly graphs?: readonly string[]
  /** What its holder may spend in any time `per`, as `tenant` of the project's file says it for all. */
  readonly budget?: { readonly [key: string]: string | number }
  readonly created: string
  readonly expires?: string
  readonly revoked?: string
}

const fault = (reason: TokenReason, message: string, cause?: unknown) =>
  new TokenError({ reason, message, ...(cause === undefined ? {} : { cause }) })

const digestOf = (token: string): Buffer => createHash("sha256").update(token, "utf8").digest()

/** Tokens of a file, looked at afresh when it has changed. */
export class Tokens {
  readonly #file: string
  #seen = ""
  #entries: readonly TokenEntry[] = []

  constructor(file: string) {
    this.#file = file
  }

  /** Who holds the token of an `authorization` header. Fails with `TokenError`. `now`: milliseconds since the epoch. */
  async holder(authorization: string | null | undefined, now: number): Promise<Holder> {
    const entries = await this.entries()
    const [, token] = /^Bearer +([A-Za-z0-9_~+/.=-]{1,512}) *$/i.exec(authorization ?? "") ?? []
    if (token === undefined) throw fault("token-missing", "The request carries no bearer token.")
    const digest = digestOf(token)
    let found: TokenEntry | undefined
    // Every entry is compared, and each in constant time: how long it takes tells nothing.
    for (const entry of entries) if (timingSafeEqual(Buffer.from(entry.sha256, "hex"), digest)) found = entry
    if (found === undefined) throw fault("token-unknown", "The token is none of this server's.")
    const { name, grants, graphs, budget, revoked, expires } = found
    if (revoked !== undefined) throw fault("token-revoked", `The token "${name}" was revoked at ${revoked}.`)
    if (expires !== undefined && now >= Date.parse(expires))
      throw fault("token-expired", `The token "${name}" expired at ${expires}.`)
    const tenant = budget === undefined ? undefined : readBudgets({ tenant: budget }).tenant
    return { name, grants, ...(graphs === undefined ? {} : { graphs }), ...(tenant ? { budget: tenant } : {}) }
  }

  /** All of them. Fails with `TokenError` (`tokens-unreadable`); a file that is not there holds none. */
  async entries(): Promise<readonly TokenEntry[]> {
    const before = await this.#state()
    if (before !== this.#seen) {
      this.#seen = ""
      this.#entries = before === "none" ? [] : await readTokens(this.#file)
      this.#seen = before
    }
    return this.#entries
  }

  /** A change of the file is a new file of that name, so it is seen whatever its size and time. */
  async #state(): Promise<string> {
    try {
      const { ino, size, mtimeNs } = await stat(this.#file, { bigint: true })
      return `${ino} ${size} ${mtimeNs}`
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "ENOENT") return "none"
      throw fault("tokens-unreadable", `Cannot read the tokens "${this.#file}": ${why(cause)}`, cause)
    }
  }

  /** Makes a token and keeps its hash; gives the token itself, which is nowhere else. Fails with `TokenError`. */
  async add(given: Omit<TokenEntry, "sha256">): Promise<string> {
    const entries = await this.entries()
    if (entries.some((e) => e.name === given.name && e.revoked === undefined))
      throw fault("exists", `There is a token "${given.name}" already: revoke it, or choose another name.`)
    const token = `sg_${randomBytes(32).toString("base64url")}`
    const entry: TokenEntry = {
      ...given,
      sha256: digestOf(token).toString("hex"),
      grants: narrow(given.grants, given.grants),
    }
    await this.#write([...entries, entry])
    return token
  }

  /** Revokes the token of a name. Fails with `TokenError` (`token-unknown`). */
  async revoke(name: string, at: string): Promise<void> {
    const entries = await this.entries()
    if (!entries.some((e) => e.name === name && e.revoked === undefined))
      throw fault("token-unknown", `There is no token "${name}" that could be revoked.`)
    await this.#write(entries.map((e) => (e.name === name && e.revoked === undefined ? { ...e, revoked: at } : e)))
  }

  async #write(tokens: readonly TokenEntry[]): Promise<void> {
    try {
      await mkdir(dirname(this.#file), { recursive: true })
      await writeFile(`${this.#file}.new`, `${JSON.stringify({ tokens }, null, 2)}\n`, { mode: 0o600 })
      await rename(`${this.#file}.new`, this.#file)
    } catch (cause) {
      throw fault("unwritable", `Cannot write the tokens "${this.#file}": ${why(cause)}`, cause)
    }
  }
}

const KEYS: ReadonlySet<string> = new Set([
  "name",
  "sha256",
  "grants",
  "graphs",
  "budget",
  "created",
  "expires",
  "revoked",
])

async function readTokens(file: string): Promise<readonly TokenEntry[]> {
  const refuse = (problem: string, cause?: unknown) =>
    fault("tokens-unreadable", `Cannot use the tokens "${file}": ${problem}`, cause)
  let data: { readonly tokens?: unknown }
  try {
    data = JSON.parse(await readFile(file, "utf8"))
  } catch (cause) {
    throw refuse(why(cause), cause)
  }
  if (typeof data !== "object" || data === null || !Array.isArray(data.tokens)) throw refuse('wanted { "tokens": […] }')
  return data.tokens.map((entry: unknown, i: number) => {
    const wrong = entryFault(entry)
    if (wrong !== undefined) throw refuse(`tokens[${i}]${wrong}`)
    return entry as TokenEntry
  })
}

/** What is wrong with an entry; what is not understood is not passed over, since it may have been meant to forbid. */
function entryFault(entry: unknown): string | undefined {
  if (typeof entry !== "object" || entry === null) return " must be a record"
  const e = entry as { readonly [key: string]: unknown }
  const stray = Object.keys(e).find((key) => !KEYS.has(key))
  if (stray !== undefined) return ` has no key "${stray}"; known: ${[...KEYS].join(", ")}`
  if (typeof e["name"] !== "string" || e["name"] === "") return ".name must be a text"
  if (typeof e["sha256"] !== "string" || !/^[0-9a-f]{64}$/.test(e["sha256"]))
    return ".sha256 must be 64 hexadecimal digits"
  for (const key of ["grants", "graphs"] as const) {
    const list = e[key]
    if (key === "graphs" && list === undefined) continue
    if (!Array.isArray(list) || !list.every((x) => typeof x === "string")) return `.${key} must be a list of texts`
  }
  for (const grant of e["grants"] as readonly string[]) {
    const read = parseCapability(grant)
    if (read instanceof CapabilityError) return `.grants: ${read.message}`
  }
  if (e["budget"] !== undefined) {
    const wrong = budgetFault(e["budget"])
    if (wrong !== undefined) return `.budget: ${wrong}`
  }
  for (const key of ["created", "expires", "revoked"] as const) {
    if (key !== "created" && e[key] === undefined) continue
    if (typeof e[key] !== "string" || Number.isNaN(Date.parse(e[key])))
      return `.${key} must be a time, as in 2026-01-31T12:00:00Z`
  }
  return undefined
}

function budgetFault(budget: unknown): string | undefined {
  try {
    readBudgets({ tenant: budget })
    return undefined
  } catch (cause) {
    if (cause instanceof BudgetProblem) return cause.message
    throw cause
  }
}
