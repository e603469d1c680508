/**
 * Tokens of `serve`: who may run what. The file holds no token, only the SHA-256 of each beside what it grants, until when,
 * and for which graphs; it is read again whenever it changed, so a token that was revoked stops at the next request. What
 * cannot be read lets nobody in.
 */
import { createHash, randomBytes } from "node:crypto"
import { statSync } from "node:fs"
import { mkdir, readFile, rename, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import { narrow, readJson } from "../graph/mod.ts"
import { type Holder, TokenError, type TokenReason } from "./http/holder.ts"
import { type TokenEntry, TokenList, tokenEntries } from "./http/token_list.ts"
import { why } from "./project/error.ts"
import { hostDigest } from "./services/digest.ts"

/** Beside the ledger, and as little a part of the repository. */
export const TOKENS_FILE = ".shadowgraph/tokens.json"

const fault = (reason: TokenReason, message: string, cause?: unknown) =>
  new TokenError({ reason, message, ...(cause === undefined ? {} : { cause }) })

const sha256Of = (token: string): string => createHash("sha256").update(token, "utf8").digest("hex")

/** Tokens of a file, looked at afresh when it has changed. */
export class Tokens {
  readonly #file: string
  readonly #schemes: ReadonlySet<string> | undefined
  #seen = ""
  #entries: readonly TokenEntry[] = []
  #list = new TokenList([])

  /** `schemes`: of capabilities, as the kinds of the host declare them; without it every well-formed one may stand there. */
  constructor(file: string, schemes?: ReadonlySet<string>) {
    this.#file = file
    this.#schemes = schemes
  }

  /** Who holds the token of an `authorization` header. Fails with `TokenError`. `now`: milliseconds since the epoch. */
  async holder(authorization: string | null | undefined, now: number): Promise<Holder> {
    await this.entries()
    return this.#list.holder(authorization, now)
  }

  /** All of them. Fails with `TokenError` (`tokens-unreadable`); a file that is not there holds none. */
  async entries(): Promise<readonly TokenEntry[]> {
    const before = this.#state()
    if (before !== this.#seen) {
      this.#seen = ""
      this.#entries = before === "none" ? [] : await readTokens(this.#file, this.#schemes)
      this.#list = new TokenList(this.#entries, hostDigest)
      this.#seen = before
    }
    return this.#entries
  }

  /**
   * A change of the file is a new file of that name, so it is seen whatever its size and time. Every request asks, and asks at
   * once: a look at a file of this machine takes less than to have another thread look.
   */
  #state(): string {
    try {
      const { ino, size, mtimeNs } = statSync(this.#file, { bigint: true })
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
      sha256: sha256Of(token),
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

async function readTokens(file: string, schemes: ReadonlySet<string> | undefined): Promise<readonly TokenEntry[]> {
  const refuse = (problem: string, cause?: unknown) =>
    fault("tokens-unreadable", `Cannot use the tokens "${file}": ${problem}`, cause)
  let data: unknown
  try {
    data = readJson(await readFile(file, "utf8"), { uniqueKeys: true })
  } catch (cause) {
    throw refuse(why(cause), cause)
  }
  const entries = tokenEntries(data, schemes)
  if (typeof entries === "string") throw refuse(entries)
  return entries
}
