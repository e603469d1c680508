// `shadowgraph mcp login`, `logins` and `logout` as a person uses them, and runs of the real command in between, against a real
// authorization server: what is asked, what is written where, and that a token is in no other file.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { readdirSync, readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import { Logins } from "../../deploy/logins/store.ts"
import { folderWith, shadowgraph, start } from "../cli/command.ts"
import { type Authority, openAuthority, visit } from "./authority.ts"
import { openWiki, type Wiki } from "./wiki.ts"

setDefaultTimeout(60_000)

let authority: Authority
let wiki: Wiki
let folder: string
beforeAll(async () => {
  authority = await openAuthority()
  wiki = openWiki(authority)
  const servers = { wiki: { url: wiki.url, auth: "oauth", reads: ["read"] } }
  const graph = (tool: string) => ({
    graph: tool,
    servers,
    nodes: { said: { mcp: `wiki/${tool}`, parse: "text" } },
    output: "said",
  })
  folder = folderWith({
    "read.graph.json": JSON.stringify(graph("read")),
    "write.graph.json": JSON.stringify(graph("write")),
    "shadowgraph.project.json": JSON.stringify({ record: ["mcp:wiki/*"] }),
  })
})
afterAll(async () => {
  await wiki.close()
  authority.close()
})

/** Logs in, as a person who opens what is printed. */
async function logIn(...more: readonly string[]) {
  const running = start(folder, ["mcp", "login", "wiki", ...more])
  await running.said("/auth?")
  await visit(/http:\S+\/auth\?\S+/.exec(await running.output())![0])
  return running.done
}
const grant = () => ["-g", `net:${authority.host}`]
const posts = () => authority.asked.filter((asked) => asked === "POST /token").length

/** Files below the folder, but for packages and logins, that hold any of these texts. */
function holding(texts: readonly string[], at = folder): readonly string[] {
  return readdirSync(at).flatMap((name) => {
    const path = join(at, name)
    if (name === "node_modules" || name === "logins") return []
    if (statSync(path).isDirectory()) return holding(texts, path)
    const held = readFileSync(path, "latin1")
    return texts.some((text) => held.includes(text)) ? [path] : []
  })
}

describe("a person", () => {
  test("who has not logged in is told the command that does", async () => {
    const done = await shadowgraph(folder, "lock")
    expect(done.exit).toBe(1)
    expect(done.err).toContain("NoLogin")
    expect(done.err).toContain("shadowgraph mcp login wiki")
  })

  test("who is not there, and has granted nothing, sends nothing to whom the server names", async () => {
    const done = await shadowgraph(folder, "mcp", "login", "wiki")
    expect(done.exit).toBe(3)
    expect(done.err).toContain(`-g net:${authority.host}`)
    expect(authority.asked).toEqual([])
  })

  test("who names no server, or one that is none, is told which there are", async () => {
    expect((await shadowgraph(folder, "mcp", "login")).exit).toBe(2)
    const none = await shadowgraph(folder, "mcp", "login", "wikis")
    expect(none.exit).toBe(1)
    expect(none.err).toContain("Did you mean wiki?")
  })

  test("logs in, and runs what it allows; no file but the login's holds a token", async () => {
    const done = await logIn(...grant())
    expect(done).toMatchObject({ exit: 0 })
    const { tokens } = (await new Logins(folder).read("wiki"))!
    expect(done.out + done.err).not.toContain(tokens.access_token)
    expect((await shadowgraph(folder, "lock")).exit).toBe(0)
    const read = await shadowgraph(folder, "run", "read", "--yes")
    expect(read).toMatchObject({ exit: 0 })
    expect(read.out).toContain("read done")
    const write = await shadowgraph(folder, "run", "write", "--yes")
    expect(write.exit).toBe(1)
    expect(write.err).toContain("shadowgraph mcp login wiki --scope wiki:write")
    expect(holding([tokens.access_token, tokens.refresh_token!])).toEqual([])
  })

  test("logs in for more, as the failure said", async () => {
    expect(await logIn(...grant(), "--scope", "wiki:write")).toMatchObject({ exit: 0 })
    expect(await shadowgraph(folder, "run", "write", "--yes")).toMatchObject({ exit: 0 })
  })
})

test("two processes that find a login expired do not lose each other's", async () => {
  const logins = new Logins(folder)
  await logins.write({ ...(await logins.read("wiki"))!, expires: new Date(0).toISOString() })
  const before = posts()
  const both = await Promise.all([0, 1].map(() => shadowgraph(folder, "run", "read", "--yes", "--ledger", "memory")))
  expect(both.map(({ exit }) => exit)).toEqual([0, 0])
  expect(posts()).toBe(before + 1)
  // The server takes a whole login back when a refresh token comes a second time: that did not happen.
  const { tokens } = (await logins.read("wiki"))!
  expect(await authority.scopeOf(tokens.access_token, wiki.url)).toContain("wiki:read")
})

test("logins are listed without their tokens, and logging out takes them back", async () => {
  const { tokens } = (await new Logins(folder).read("wiki"))!
  const listed = await shadowgraph(folder, "mcp", "logins", "--json")
  expect(JSON.parse(listed.out)).toMatchObject([
    { server: "wiki", url: wiki.url, issuer: authority.issuer, state: "good" },
  ])
  expect(listed.out).not.toContain(tokens.access_token)
  expect((await shadowgraph(folder, "mcp", "logins")).out).toContain("wiki  good")
  const out = await shadowgraph(folder, "mcp", "logout", "wiki")
  expect(out).toMatchObject({ exit: 0 })
  expect(out.err).toContain("revoked")
  expect(await authority.scopeOf(tokens.access_token, wiki.url)).toBeUndefined()
  expect((await shadowgraph(folder, "run", "read", "--yes")).err).toContain("shadowgraph mcp login wiki")
  expect((await shadowgraph(folder, "mcp", "logout", "wiki")).exit).toBe(1)
})
