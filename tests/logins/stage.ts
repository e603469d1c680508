/** A server that wants a login, the authorization server it trusts, and a folder in which logins are kept; in one process. */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type LoginOptions, login } from "../../deploy/logins/login.ts"
import { grantedBy } from "../../deploy/logins/reach.ts"
import { type Login, Logins } from "../../deploy/logins/store.ts"
import { createHttp, mcpService } from "../../deploy/mod.ts"
import type { Failure, McpConnection, Rec } from "../../graph/mod.ts"
import { type Authority, type AuthorityOptions, openAuthority, visit } from "./authority.ts"
import { openWiki, type Wiki } from "./wiki.ts"

export interface Stage {
  readonly authority: Authority
  readonly wiki: Wiki
  readonly base: string
  readonly logins: Logins
  /** Logs in, with a person who says yes; keeps the login. */
  readonly logIn: (more?: Partial<LoginOptions>) => Promise<Login>
  /** Connects as a run does. */
  readonly connect: (oauth?: Rec, hide?: (token: string) => void) => Promise<McpConnection>
  readonly close: () => Promise<void>
}

export async function openStage(options: AuthorityOptions = {}): Promise<Stage> {
  const authority = await openAuthority(options)
  const wiki = openWiki(authority)
  const base = mkdtempSync(join(tmpdir(), "logins-"))
  const logins = new Logins(base)
  const granted = grantedBy([`net:${wiki.host}`, `net:${authority.host}`])
  const http = createHttp()
  const services: { close: () => Promise<void> }[] = []
  return {
    authority,
    wiki,
    base,
    logins,
    logIn: async (more = {}) => {
      const made = await login({
        server: "wiki",
        url: new URL(wiki.url),
        oauth: { oauth: "login", server: "wiki" },
        http,
        granted,
        confirm: async () => false,
        show: (url) => void visit(url.href),
        waitMs: 10_000,
        signal: new AbortController().signal,
        ...more,
      })
      await logins.write(made)
      return made
    },
    connect: async (oauth = { oauth: "login", server: "wiki" }, hide) => {
      const service = mcpService({ base, http, ...(hide === undefined ? {} : { hide }) })
      services.push(service)
      return service.connect({ url: wiki.url, headers: {}, oauth }, new AbortController().signal, granted)
    },
    close: async () => {
      for (const service of services) await service.close()
      await wiki.close()
      authority.close()
      rmSync(base, { recursive: true, force: true })
    },
  }
}

/** What a promise fails with. */
export const failureOf = (work: Promise<unknown>): Promise<Failure> =>
  work.then(
    (value) => {
      throw new Error(`It ended in ${JSON.stringify(value)}`)
    },
    (cause) => cause as Failure,
  )

export const callOf = (connection: McpConnection, tool: string) =>
  connection.call(tool, {}, { signal: new AbortController().signal })
