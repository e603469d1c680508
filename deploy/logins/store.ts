/**
 * Logins at MCP servers, as a folder keeps them: a file each in `.shadowgraph/logins`, readable by its owner alone, so that a plan, a
 * lock and a ledger need hold none of it. A file is replaced whole; who renews a login holds its lock, so that of two processes
 * one asks and the other takes what came of it, for many servers accept a refresh token only once.
 */
import { randomUUID } from "node:crypto"
import { link, open, readdir, readFile, rename, rm, stat, writeFile } from "node:fs/promises"
import { join } from "node:path"
import * as v from "valibot"
import { makeOwnFolder, OWN_FOLDER } from "../project/own_folder.ts"
import { systemClock } from "../services/clock.ts"
import { noLogin } from "./failures.ts"

const text = v.pipe(v.string(), v.minLength(1))
const LOGIN = v.object({
  format: v.literal(1),
  server: text,
  url: text,
  issuer: text,
  resource: v.nullable(text),
  hosts: v.array(text),
  metadata: v.nullable(v.record(v.string(), v.unknown())),
  client: v.looseObject({ client_id: text, client_secret: v.optional(text) }),
  redirect: text,
  tokens: v.object({
    access_token: text,
    refresh_token: v.optional(text),
    scope: v.optional(v.string()),
  }),
  obtained: v.pipe(v.string(), v.isoTimestamp()),
  expires: v.nullable(v.pipe(v.string(), v.isoTimestamp())),
})

/** A login at one server. Times are ISO 8601, UTC. */
export interface Login {
  readonly format: 1
  /** As the graph files call it. */
  readonly server: string
  /** Of the server. The tokens go there and nowhere else. */
  readonly url: string
  readonly issuer: string
  /** What the tokens are for, where the server said so (RFC 8707). */
  readonly resource: string | null
  /** Hosts that were confirmed, or granted, at the login: the only ones that are asked for another token. */
  readonly hosts: readonly string[]
  /** Of the authorization server, as they were at the login; null: it has none, and the endpoints have their customary places. */
  readonly metadata: { readonly [key: string]: unknown } | null
  /** As it was registered. A client that the file declares keeps its secret out of here. */
  readonly client: { readonly client_id: string; readonly client_secret?: string | undefined }
  readonly redirect: string
  readonly tokens: {
    readonly access_token: string
    readonly refresh_token?: string | undefined
    readonly scope?: string | undefined
  }
  readonly obtained: string
  /** Null: the server did not say until when. */
  readonly expires: string | null
}

/** Milliseconds after which a lock is that of a process that died: longer than whoever holds one may take. */
const LOCK_MS_MAX = 60_000
const POLL_MS = 25
const ENDING = ".json"
/** Below the project's own. */
const FOLDER = "logins"

export class Logins {
  readonly #base: string
  readonly #folder: string

  /** @param base The folder of the graphs. */
  constructor(base: string) {
    this.#base = base
    this.#folder = join(base, OWN_FOLDER, FOLDER)
  }

  #file(server: string): string {
    return join(this.#folder, `${encodeURIComponent(server)}${ENDING}`)
  }

  /** Undefined: nobody has logged in. Fails with `NoLogin` (`unreadable`). */
  async read(server: string): Promise<Login | undefined> {
    let data: unknown
    try {
      data = JSON.parse(await readFile(this.#file(server), "utf8"))
    } catch (cause) {
      if (codeOf(cause) === "ENOENT") return undefined
      throw noLogin(server, "unreadable", "the file of its login cannot be read", { cause })
    }
    const read = v.safeParse(LOGIN, data)
    if (read.success && read.output.server === server) return read.output
    throw noLogin(server, "unreadable", "the file of its login holds something else")
  }

  /** Names of the servers, sorted. */
  async names(): Promise<readonly string[]> {
    const files = await readdir(this.#folder).catch((cause) => {
      if (codeOf(cause) === "ENOENT") return []
      throw cause
    })
    return files.flatMap((f) => (f.endsWith(ENDING) ? [decodeURIComponent(f.slice(0, -ENDING.length))] : [])).sort()
  }

  /** Keeps it whole, or leaves what was there. */
  async write(login: Login): Promise<void> {
    makeOwnFolder(this.#base, FOLDER, 0o700)
    const file = this.#file(login.server)
    const draft = `${file}.${randomUUID()}`
    try {
      const handle = await open(draft, "wx", 0o600)
      try {
        await handle.writeFile(`${JSON.stringify(login, null, 2)}\n`)
        // A refresh token that was used up is worth nothing: the new one has to be on the disk before it counts.
        await handle.sync()
      } finally {
        await handle.close()
      }
      await rename(draft, file)
    } finally {
      await rm(draft, { force: true })
    }
  }

  /** False: there was none. */
  async remove(server: string): Promise<boolean> {
    try {
      await rm(this.#file(server))
      return true
    } catch (cause) {
      if (codeOf(cause) === "ENOENT") return false
      throw cause
    }
  }

  /** Does the work while no other process does any on this login. Fails with `NoLogin` where the lock cannot be had. */
  async alone<A>(server: string, work: () => Promise<A>): Promise<A> {
    makeOwnFolder(this.#base, FOLDER, 0o700)
    const lock = `${this.#file(server)}.lock`
    const mine = randomUUID()
    const until = systemClock.now() + 2 * LOCK_MS_MAX
    while (!(await taken(lock, mine))) {
      await freeStale(lock, mine)
      if (systemClock.now() > until)
        throw noLogin(server, "unreadable", "another process holds its login", { hint: null })
      await systemClock.sleep(POLL_MS, new AbortController().signal)
    }
    try {
      return await work()
    } finally {
      const holder = await readFile(lock, "utf8").catch(() => undefined)
      if (holder === mine) await rm(lock, { force: true })
    }
  }
}

const codeOf = (cause: unknown): unknown => (cause as NodeJS.ErrnoException)?.code

async function taken(lock: string, mine: string): Promise<boolean> {
  try {
    await writeFile(lock, mine, { flag: "wx", mode: 0o600 })
    return true
  } catch (cause) {
    if (codeOf(cause) === "EEXIST") return false
    throw cause
  }
}

/** Takes away the lock of a process that died. Of two that see it, the second gives back what the first has taken since. */
async function freeStale(lock: string, mine: string): Promise<void> {
  const away = `${lock}.${mine}`
  try {
    const seen = await stat(lock)
    if (systemClock.now() - seen.mtimeMs < LOCK_MS_MAX) return
    await rename(lock, away)
    if ((await stat(away)).mtimeMs !== seen.mtimeMs) await link(away, lock)
  } catch (cause) {
    if (codeOf(cause) !== "ENOENT" && codeOf(cause) !== "EEXIST") throw cause
  } finally {
    await rm(away, { force: true })
  }
}
