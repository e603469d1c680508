/**
 * Tokens as they are kept: no token, only the SHA-256 of each beside what it hands on, until when, and for which graphs. One form
 * and one rule for every host, whether the list lies in a file or in a variable; who keeps it is not known here.
 */
import { CapabilityError, type Digest, parseCapability, sha256 } from "../../graph/mod.ts"
import { BudgetProblem, readTenant } from "../engine/budget.ts"
import { type Holder, TokenError } from "./holder.ts"

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

interface Known {
  readonly digest: Uint8Array
  readonly entry: TokenEntry
}

export class TokenList {
  readonly #known: readonly Known[]
  readonly #digest: Digest

  /** `digest`: SHA-256, of the host where it has a faster one. */
  constructor(entries: readonly TokenEntry[], digest: Digest = sha256) {
    this.#known = entries.map((entry) => ({ entry, digest: bytesOf(entry.sha256) }))
    this.#digest = digest
  }

  /** Who holds the token of an `authorization` header. Fails with `TokenError`. `now`: milliseconds since the epoch. */
  holder(authorization: string | null | undefined, now: number): Holder {
    const [, token] = /^Bearer +([A-Za-z0-9_~+/.=-]{1,512}) *$/i.exec(authorization ?? "") ?? []
    if (token === undefined) throw fault("token-missing", "The request carries no bearer token.")
    const digest = this.#digest(new TextEncoder().encode(token))
    let found: TokenEntry | undefined
    // Every entry is compared, and each in constant time: how long it takes tells nothing.
    for (const known of this.#known) if (same(known.digest, digest)) found = known.entry
    if (found === undefined) throw fault("token-unknown", "The token is none of this server's.")
    const { name, grants, graphs, budget, revoked, expires } = found
    if (revoked !== undefined) throw fault("token-revoked", `The token "${name}" was revoked at ${revoked}.`)
    if (expires !== undefined && now >= Date.parse(expires))
      throw fault("token-expired", `The token "${name}" expired at ${expires}.`)
    const tenant = budget === undefined ? undefined : readTenant(budget)
    return { name, grants, ...(graphs === undefined ? {} : { graphs }), ...(tenant ? { budget: tenant } : {}) }
  }
}

const fault = (reason: TokenError["reason"], message: string) => new TokenError({ reason, message })

function same(a: Uint8Array, b: Uint8Array): boolean {
  let differs = a.length ^ b.length
  for (let i = 0; i < a.length; i++) differs |= a[i]! ^ b[i]!
  return differs === 0
}

const bytesOf = (hex: string): Uint8Array =>
  Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16))

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

/**
 * The entries of `{ "tokens": […] }`; a text is what is wrong with it. `schemes`: those that the kinds of the host declare,
 * where they are known; what no kind knows is then a mistake.
 */
export function tokenEntries(data: unknown, schemes?: ReadonlySet<string>): readonly TokenEntry[] | string {
  const { tokens } = (data ?? {}) as { readonly tokens?: unknown }
  if (!Array.isArray(tokens)) return 'wanted { "tokens": […] }'
  for (const [i, entry] of tokens.entries()) {
    const wrong = entryFault(entry, schemes)
    if (wrong !== undefined) return `tokens[${i}]${wrong}`
  }
  return tokens as readonly TokenEntry[]
}

/** What is wrong with an entry; what is not understood is not passed over, since it may have been meant to forbid. */
function entryFault(entry: unknown, schemes: ReadonlySet<string> | undefined): string | undefined {
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
  for (const [i, grant] of (e["grants"] as readonly string[]).entries()) {
    const read = parseCapability(grant, schemes)
    if (read instanceof CapabilityError) return `.grants[${i}]: ${read.message}`
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
    readTenant(budget)
    return undefined
  } catch (cause) {
    if (cause instanceof BudgetProblem) return cause.message
    throw cause
  }
}
