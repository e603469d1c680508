// Logging in at an MCP server, against a real authorization server: what comes of it, and everything that a server, its metadata
// and whoever sends a browser our way may lie about. In each case nothing is sent where nobody allowed it.
import { afterEach, beforeEach, describe, expect, setDefaultTimeout, test } from "bun:test"
import { statSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { grantedBy } from "../../deploy/logins/reach.ts"
import { visit } from "./authority.ts"
import { failureOf, openStage, type Stage } from "./stage.ts"

setDefaultTimeout(30_000)

let stage: Stage
beforeEach(async () => {
  stage = await openStage()
})
afterEach(() => stage.close())

/** A host that nobody has heard of, and what it is asked. */
async function stranger(): Promise<{ readonly origin: string; readonly asked: string[]; readonly close: () => void }> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(request.url!)
    response.end("{}")
  })
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done))
  const { port } = server.address() as AddressInfo
  return { origin: `http://127.0.0.1:${port}`, asked, close: () => void server.close() }
}

/** The authorization server's own words, changed. */
function metadataWith(more: object): void {
  const path = "/.well-known/oauth-authorization-server"
  const { issuer, instead } = stage.authority
  instead.set(path, (_, response) => {
    response.setHeader("content-type", "application/json")
    response.end(
      JSON.stringify({
        issuer,
        authorization_endpoint: `${issuer}/auth`,
        token_endpoint: `${issuer}/token`,
        registration_endpoint: `${issuer}/reg`,
        response_types_supported: ["code"],
        code_challenge_methods_supported: ["S256"],
        token_endpoint_auth_methods_supported: ["none"],
        ...more,
      }),
    )
  })
}

describe("a login", () => {
  test("registers a client, asks for what the server asks for, and is kept for its owner's eyes", async () => {
    const login = await stage.logIn()
    expect(login).toMatchObject({
      issuer: stage.authority.issuer,
      resource: stage.wiki.url,
      hosts: [stage.wiki.host, stage.authority.host],
      tokens: { scope: "wiki:read" },
    })
    expect(await stage.authority.scopeOf(login.tokens.access_token, stage.wiki.url)).toBe("wiki:read")
    const file = join(stage.base, ".shadowgraph", "logins", "wiki.json")
    expect(statSync(file).mode & 0o777).toBe(0o600)
    expect(statSync(join(file, "..")).mode & 0o777).toBe(0o700)
    expect(await stage.logins.read("wiki")).toEqual(login)
  })

  test("for more asks for what it had, too; the second time the client is the first one's", async () => {
    const first = await stage.logIn()
    const second = await stage.logIn({ before: first })
    expect(second.client.client_id).toBe(first.client.client_id)
    const more = await stage.logIn({ before: second, scope: "wiki:write" })
    expect(more.tokens.scope?.split(" ").sort()).toEqual(["wiki:read", "wiki:write"])
  })

  test("goes on waiting when somebody brings an answer of another login", async () => {
    let said = 0
    await stage.logIn({
      show: async (url) => {
        const redirect = new URL(url.searchParams.get("redirect_uri")!)
        redirect.search = "?code=stolen&state=another"
        said = (await visit(redirect.href)).status
        expect(stage.authority.asked).not.toContain("POST /token")
        await visit(url.href)
      },
    })
    expect(said).toBe(400)
  })

  test("ends when the person says no, takes too long, or goes away", async () => {
    const back = (url: URL, query: string) => {
      const redirect = new URL(url.searchParams.get("redirect_uri")!)
      redirect.search = `${query}&state=${url.searchParams.get("state")}`
      void visit(redirect.href)
    }
    const denied = await failureOf(stage.logIn({ show: (url) => back(url, "?error=access_denied") }))
    expect(denied).toMatchObject({ code: "Denied", data: { error: "access_denied" } })
    expect((await failureOf(stage.logIn({ show: () => undefined, waitMs: 50 }))).code).toBe("Timeout")
    const gone = new AbortController()
    const left = stage.logIn({ show: () => gone.abort(), signal: gone.signal })
    expect((await failureOf(left)).code).toBe("Cancelled")
  })

  test("does not hand its code to another issuer than the one it went to", async () => {
    const mixed = await failureOf(
      stage.logIn({
        show: (url) => {
          const redirect = new URL(url.searchParams.get("redirect_uri")!)
          redirect.search = `?code=c&state=${url.searchParams.get("state")}&iss=https://evil.example`
          void visit(redirect.href)
        },
      }),
    )
    expect(mixed).toMatchObject({ code: "NoLogin", data: { reason: "issuer" } })
    expect(stage.authority.asked).not.toContain("POST /token")
  })
})

describe("nothing is sent", () => {
  const granted = () => grantedBy([`net:${stage.wiki.host}`])

  test("to an authorization server that nobody granted or confirmed", async () => {
    const asked: string[] = []
    const confirm = async (host: string) => asked.push(host) === 0
    const refused = await failureOf(stage.logIn({ granted: granted(), confirm }))
    expect(refused).toMatchObject({ code: "Refused", data: { reason: "host" } })
    expect(asked).toEqual([stage.authority.host])
    expect(stage.authority.asked).toEqual([])
  })

  test("to a private address because a server names it, whatever the person says", async () => {
    const refused = await failureOf(stage.logIn({ granted: granted(), confirm: async () => true }))
    expect(refused.code).toBe("Refused")
    expect(refused.message).toContain("private")
    expect(stage.authority.asked).toEqual([])
  })

  test("to a host that the challenge leads to", async () => {
    const other = await stranger()
    stage.wiki.metadataAt = `${other.origin}/metadata`
    expect((await failureOf(stage.logIn())).data).toEqual({ reason: "host" })
    expect(other.asked).toEqual([])
    other.close()
  })

  test.each(["token_endpoint", "registration_endpoint"])("to a host that the metadata name as %s", async (endpoint) => {
    const other = await stranger()
    metadataWith({ [endpoint]: `${other.origin}/take` })
    expect((await failureOf(stage.logIn())).data).toEqual({ reason: "host" })
    expect(other.asked).toEqual([])
    other.close()
  })

  test.each([
    "http://login.example.com/auth",
    "https://ann:secret@login.example.com/auth",
    "javascript:alert(1)",
    "file:///etc/passwd",
  ])("a person to %s", async (endpoint) => {
    metadataWith({ authorization_endpoint: endpoint })
    let shown = ""
    const refused = await failureOf(stage.logIn({ show: (url) => (shown = url.href) }))
    expect(["Refused", "NoLogin"]).toContain(refused.code)
    expect(shown).toBe("")
  })

  test("in clear text to another machine", async () => {
    metadataWith({ registration_endpoint: "http://login.example.com/reg" })
    expect((await failureOf(stage.logIn({ confirm: async () => true }))).data).toEqual({ reason: "scheme" })
  })
})

describe("metadata that lie", () => {
  test.each([
    ["of another resource", { resource: "https://evil.example/mcp" }, "metadata"],
    ["that name no server", { authorization_servers: ["nowhere"] }, "metadata"],
    ["that are nonsense", "<h1>hello</h1>", "metadata"],
  ])("%s", async (_, lie, reason) => {
    stage.wiki.lie = lie
    expect(await failureOf(stage.logIn())).toMatchObject({ code: "NoLogin", data: { server: "wiki", reason } })
    expect(stage.authority.asked).not.toContain("GET /auth")
  })

  test("about their issuer", async () => {
    metadataWith({ issuer: "https://evil.example" })
    expect(await failureOf(stage.logIn())).toMatchObject({ code: "NoLogin", data: { reason: "issuer" } })
  })

  test("a server that trusts another issuer than the file says", async () => {
    const oauth = { oauth: "login", server: "wiki", issuer: "https://login.example.com" }
    expect(await failureOf(stage.logIn({ oauth }))).toMatchObject({ code: "NoLogin", data: { reason: "issuer" } })
    expect(stage.authority.asked).toEqual([])
  })

  test.each([
    ["a page", 200, "<h1>hello</h1>"],
    ["half of what it is", 200, '{"token_type":"Bearer"}'],
    ["an error", 500, "oh no: tok_12345678"],
    ["a refusal", 400, '{"error":"invalid_grant","error_description":"tok_12345678"}'],
    ["another kind of token", 200, '{"access_token":"tok_12345678","token_type":"mac"}'],
  ])("a token endpoint that answers %s", async (_, status, body) => {
    stage.authority.instead.set("/token", (__, response) => {
      response.statusCode = status
      response.end(body)
    })
    const failure = await failureOf(stage.logIn())
    expect(failure.code).toBe("NoLogin")
    expect(failure.message).not.toContain("tok_12345678")
    expect(await stage.logins.read("wiki")).toBeUndefined()
  })

  test("an authorization server that registers nobody", async () => {
    metadataWith({ registration_endpoint: undefined })
    const failure = await failureOf(stage.logIn())
    expect(failure).toMatchObject({ code: "NoLogin", data: { reason: "client" } })
    expect(failure.message).toContain("`id:`")
  })
})
