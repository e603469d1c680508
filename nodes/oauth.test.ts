/** `auth: oauth` in files: what a declaration needs, where each mistake is pointed at, and that no secret's value is repeated. */
import { describe, expect, test } from "bun:test"
import { checkFile } from "../graph/file/mod.ts"
import { printProblemShort, registry } from "../graph/mod.ts"
import { mcp } from "./mod.ts"
import { isSafe } from "./oauth.ts"

const check = (auth: string, url = "https://wiki.example.com/mcp") =>
  checkFile(
    {
      file: "g.yaml",
      text: `graph: g
servers:
  wiki: { url: "${url}", auth: ${auth} }
nodes:
  said: { mcp: wiki/read, parse: text }
output: said
`,
    },
    { registry: registry(mcp) },
  )
const needsOf = (auth: string) => check(auth).checked?.needs
const problemsOf = (auth: string, url?: string) => check(auth, url).problems.map(printProblemShort).join("\n")

const SERVER = ["mcp:wiki/read", "net:wiki.example.com"]

describe("a declaration", () => {
  test("of a login needs no more than the server; a client's secret is one", () => {
    expect(needsOf("oauth")).toEqual(SERVER)
    expect(needsOf("{ oauth: login, metadata: https://app.example.com/client.json }")).toEqual(SERVER)
    expect(needsOf("{ oauth: login, id: app, secret: secret:APP, issuer: https://login.example.com }")).toEqual([
      ...SERVER,
      "secret:APP",
    ])
  })

  test("of a machine needs its secret and the host that is shown it", () => {
    const host = ["mcp:wiki/read", "net:login.example.com:8443", "net:wiki.example.com"]
    const issuer = "issuer: https://login.example.com:8443/tenant"
    expect(needsOf(`{ oauth: client_credentials, id: app, secret: secret:APP, ${issuer} }`)).toEqual([
      ...host,
      "secret:APP",
    ])
    expect(needsOf(`{ oauth: client_credentials, id: app, key: secret:KEY, algorithm: ES256, ${issuer} }`)).toEqual([
      ...host,
      "secret:KEY",
    ])
  })

  test.each([
    ["{ oauth: device }", "wanted login or client_credentials"],
    ["{ oauth: login, bearer: secret:A }", "`bearer` means nothing beside"],
    ["{ oauth: login, secret: secret:A }", "there is no `id:`"],
    ["{ oauth: login, id: a, metadata: https://app.example.com/c.json }", "two ways"],
    ["{ oauth: login, metadata: https://app.example.com }", "address of a document"],
    ["{ oauth: login, metadata: http://app.example.com/c.json }", "must be https"],
    ["{ oauth: login, issuer: http://login.example.com }", "must be https"],
    ["{ oauth: login, issuer: 5 }", "https address"],
    ["{ oauth: login, scope: [a] }", "text of plain characters"],
    ["{ oauth: client_credentials, id: a, secret: secret:A }", "wants the `issuer:`"],
    ["{ oauth: client_credentials, secret: secret:A, issuer: https://l.example }", "wants the client's `id:`"],
    ["{ oauth: client_credentials, id: a, issuer: https://l.example }", "one of `secret:` and `key:`"],
    ["{ oauth: client_credentials, id: a, key: secret:K, issuer: https://l.example }", "goes with an `algorithm:`"],
  ])("%s is refused", (auth, words) => {
    expect(problemsOf(auth)).toContain(words)
    expect(check(auth).checked).toBeUndefined()
  })

  test("that holds a secret is refused without repeating it", () => {
    const found = problemsOf("{ oauth: login, id: a, secret: hunter2hunter2 }")
    expect(found).toContain("G304")
    expect(found).not.toContain("hunter2hunter2")
  })

  test("wants a server that is reached by https, or on this machine", () => {
    expect(problemsOf("oauth", "http://wiki.example.com/mcp")).toContain("clear text")
    expect(problemsOf("oauth", "http://localhost:8080/mcp")).toBe("")
  })
})

test.each([
  ["https://a.example", true],
  ["http://localhost:1", true],
  ["http://127.9.9.9", true],
  ["http://[::1]:1", true],
  ["http://127.0.0.1.evil.example", false],
  ["http://localhost.evil.example", false],
  ["http://10.0.0.1", false],
  ["javascript:alert(1)", false],
  ["file:///etc", false],
])("a token may go to %s: %p", (url, may) => {
  expect(isSafe(new URL(url))).toBe(may)
})
