// Tokens in the middle of runs, against a real authorization server whose refresh tokens are good once: renewed when they expire or
// are refused, by one process for all; and where that cannot be, a failure that says what to do.
import { afterEach, describe, expect, setDefaultTimeout, test } from "bun:test"
import { readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { callOf, failureOf, openStage, type Stage } from "./stage.ts"

setDefaultTimeout(30_000)

let stage: Stage
afterEach(() => stage.close())

const posts = (path: string) => stage.authority.asked.filter((asked) => asked === `POST ${path}`).length
const MACHINE = {
  client_id: "machine",
  client_secret: "a secret of the machine",
  grant_types: ["client_credentials"],
  redirect_uris: [],
  response_types: [],
}
const machine = (more: object = {}) => ({
  oauth: "client_credentials",
  server: "wiki",
  id: MACHINE.client_id,
  secret: MACHINE.client_secret,
  issuer: stage.authority.issuer,
  ...more,
})

describe("a session with a login", () => {
  test("sends its token; without one it fails and says how to get one", async () => {
    stage = await openStage()
    const none = await failureOf(stage.connect())
    expect(none).toMatchObject({ code: "NoLogin", data: { server: "wiki", reason: "none" }, undelivered: true })
    expect(none.message).toContain("shadowgraph mcp login wiki")
    await stage.logIn()
    const connection = await stage.connect()
    expect((await callOf(connection, "read")).content).toEqual([{ type: "text", text: "read done" }])
  })

  test("is told what a call wants that the login does not allow, and goes on after another login", async () => {
    stage = await openStage()
    const before = await stage.logIn()
    const connection = await stage.connect()
    const more = await failureOf(callOf(connection, "write"))
    expect(more).toMatchObject({ code: "NoScope", data: { server: "wiki", scope: "wiki:write" }, undelivered: true })
    expect(more.message).toContain("shadowgraph mcp login wiki --scope wiki:write")
    await stage.logIn({ before, scope: "wiki:write" })
    expect((await callOf(connection, "write")).content).toHaveLength(1)
  })

  test("keeps its token out of messages, and tells who must not log it", async () => {
    stage = await openStage()
    const { tokens } = await stage.logIn()
    const hidden: string[] = []
    const connection = await stage.connect(undefined, (token) => hidden.push(token))
    const failure = await failureOf(callOf(connection, "echo"))
    expect(stage.wiki.seen).toContain(tokens.access_token)
    expect(JSON.stringify([failure.message, failure.data])).not.toContain(tokens.access_token)
    expect(failure.message).toContain("who are you, …?")
    expect(hidden).toContain(tokens.access_token)
    expect(hidden).toContain(tokens.refresh_token!)
  })

  test("is of one server: a file that calls another one by its name gets nothing", async () => {
    stage = await openStage()
    const login = await stage.logIn()
    await stage.logins.write({ ...login, url: "https://wiki.example.com/mcp" })
    expect(await failureOf(stage.connect())).toMatchObject({ code: "NoLogin", data: { reason: "elsewhere" } })
    expect(stage.wiki.seen).not.toContain(login.tokens.access_token)
  })

  test("a file that is broken, or of another server, is no login", async () => {
    stage = await openStage()
    const login = await stage.logIn()
    const file = join(stage.base, ".shadowgraph", "logins", "wiki.json")
    for (const text of ["", "[]", '{"format":2}', readFileSync(file, "utf8").replace('"wiki"', '"other"')]) {
      writeFileSync(file, text)
      expect(await failureOf(stage.connect())).toMatchObject({ code: "NoLogin", data: { reason: "unreadable" } })
    }
    await stage.logins.write(login)
    await stage.connect()
  })
})

describe("a token", () => {
  test("that expired is renewed, and what came of it is kept", async () => {
    stage = await openStage()
    const login = await stage.logIn()
    await stage.logins.write({ ...login, expires: new Date(0).toISOString() })
    await callOf(await stage.connect(), "read")
    const now = (await stage.logins.read("wiki"))!
    expect(now.tokens.access_token).not.toBe(login.tokens.access_token)
    expect(now.tokens.refresh_token).not.toBe(login.tokens.refresh_token)
    expect(stage.wiki.seen).not.toContain(login.tokens.access_token)
    expect(posts("/token")).toBe(2)
  })

  test("that the server takes no more is renewed once", async () => {
    stage = await openStage()
    const { tokens } = await stage.logIn()
    const connection = await stage.connect()
    await callOf(connection, "read")
    stage.wiki.refused.add(tokens.access_token)
    expect((await callOf(connection, "read")).content).toHaveLength(1)
    expect(posts("/token")).toBe(2)
    stage.wiki.refused.has = () => true
    expect(await failureOf(callOf(connection, "read"))).toMatchObject({ code: "NoLogin", data: { reason: "refused" } })
    expect(posts("/token")).toBe(3)
  })

  test("is renewed by one of many who find it expired", async () => {
    stage = await openStage()
    const login = await stage.logIn()
    await stage.logins.write({ ...login, expires: new Date(0).toISOString() })
    const connections = await Promise.all(Array.from({ length: 8 }, () => stage.connect()))
    await Promise.all(connections.map((connection) => callOf(connection, "read")))
    expect(posts("/token")).toBe(2)
  })

  test("whose refresh token was taken back or has expired is not asked for twice", async () => {
    stage = await openStage()
    const login = await stage.logIn()
    await stage.logins.write({
      ...login,
      expires: new Date(0).toISOString(),
      tokens: { ...login.tokens, refresh_token: "one that was taken back" },
    })
    const first = await failureOf(stage.connect())
    expect(first).toMatchObject({ code: "NoLogin", data: { reason: "refused" } })
    expect(first.message).toContain("invalid_grant")
    expect(await failureOf(stage.connect())).toMatchObject({ code: "NoLogin", data: { reason: "expired" } })
    expect(posts("/token")).toBe(2)
  })

  test.each([
    ["a page", 200, "<h1>tok_12345678</h1>"],
    ["an error", 503, "tok_12345678"],
    ["something else", 200, '{"refresh_token":"tok_12345678"}'],
  ])("is kept where the authorization server answers %s", async (_, status, body) => {
    stage = await openStage()
    const login = { ...(await stage.logIn()), expires: new Date(0).toISOString() }
    await stage.logins.write(login)
    stage.authority.instead.set("/token", (__, response) => {
      response.statusCode = status
      response.end(body)
    })
    const failure = await failureOf(stage.connect())
    expect(failure).toMatchObject({ code: "Unreachable", data: { reason: "authorization" }, retryable: true })
    expect(failure.message).not.toContain("tok_12345678")
    expect(await stage.logins.read("wiki")).toEqual(login)
    stage.authority.instead.clear()
    await stage.connect()
  })
})

describe("a lock", () => {
  test("of a process that died is taken over by one of those that wait", async () => {
    stage = await openStage()
    await stage.logIn()
    const lock = join(stage.base, ".shadowgraph", "logins", "wiki.json.lock")
    writeFileSync(lock, "a process that died")
    const { utimesSync } = await import("node:fs")
    utimesSync(lock, new Date(0), new Date(0))
    let inside = 0
    let most = 0
    const work = async () => {
      most = Math.max(most, ++inside)
      await Bun.sleep(5)
      inside--
    }
    await Promise.all(Array.from({ length: 6 }, () => stage.logins.alone("wiki", work)))
    expect(most).toBe(1)
  })
})

describe("a machine", () => {
  test("gets its own token, keeps it, and asks again when it is refused", async () => {
    stage = await openStage({ clients: [MACHINE] })
    const connection = await stage.connect(machine())
    await callOf(connection, "read")
    await callOf(connection, "read")
    expect(posts("/token")).toBe(1)
    stage.wiki.refused.add(stage.wiki.seen.at(-1)!)
    await callOf(connection, "read")
    expect(posts("/token")).toBe(2)
    expect(await stage.logins.names()).toEqual([])
  })

  test("is told what it may not, without being told to log in", async () => {
    stage = await openStage({ clients: [MACHINE] })
    const more = await failureOf(callOf(await stage.connect(machine()), "write"))
    expect(more.code).toBe("NoScope")
    expect(more.message).toContain("`scope: wiki:write`")
    expect(more.message).not.toContain("mcp login")
    await callOf(await stage.connect(machine({ scope: "wiki:read wiki:write" })), "write")
  })

  test("whose secret is wrong is turned away; the secret goes to its issuer alone", async () => {
    stage = await openStage({ clients: [MACHINE] })
    const wrong = await failureOf(stage.connect(machine({ secret: "another secret" })))
    expect(wrong).toMatchObject({ code: "NoLogin", data: { reason: "client" } })
    const asked = posts("/token")
    const elsewhere = await failureOf(stage.connect(machine({ issuer: "https://login.example.com" })))
    expect(elsewhere).toMatchObject({ code: "NoLogin", data: { reason: "issuer" } })
    expect(posts("/token")).toBe(asked)
  })
})
