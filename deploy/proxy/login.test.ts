/** In what a server says of logging in, its own address becomes the proxy's; nothing else changes, and nobody else's does. */
import { describe, expect, test } from "bun:test"
import { ledHere, loginPath, metadataHere, metadataPath } from "./login.ts"

const server = new URL("https://mcp.example.com/v1/mcp")
const mine = new URL("http://127.0.0.1:8788/mcp")

describe("metadata of a server", () => {
  test("names the proxy, and keeps every other byte", () => {
    const text =
      '{ "resource" : "https://mcp.example.com/v1/mcp", "authorization_servers":["https://login.example.com"],"n":12345678901234567890}'
    expect(metadataHere(text, server, mine)).toBe(
      text.replace("https://mcp.example.com/v1/mcp", "http://127.0.0.1:8788/mcp"),
    )
    expect(metadataHere('{"resource":"https://mcp.example.com"}', server, mine)).toBe(
      '{"resource":"http://127.0.0.1:8788"}',
    )
  })
  test.each(['{"resource":"https://evil.example/mcp"}', '{"resource":5}', "[]", "no json", '{"other":1}'])(
    "%s stays",
    (text) => {
      expect(metadataHere(text, server, mine)).toBeUndefined()
    },
  )
})

describe("the way to it", () => {
  test("leads by the proxy", () => {
    const headers = [
      "WWW-Authenticate",
      'Bearer resource_metadata="https://mcp.example.com/.well-known/x"',
      "x-other",
      "https://mcp.example.com",
    ]
    expect(ledHere(headers, server.origin, mine.origin)).toEqual([
      "WWW-Authenticate",
      'Bearer resource_metadata="http://127.0.0.1:8788/.well-known/x"',
      "x-other",
      "https://mcp.example.com",
    ])
  })
  test("is found where the server keeps it elsewhere, on its own address alone", () => {
    const at = (url: string) => metadataPath(`Bearer resource_metadata="${url}"`, server)
    expect(at("https://mcp.example.com/custom/place.json")).toBe("/custom/place.json")
    expect(at("https://mcp.example.com/.well-known/oauth-protected-resource/v1/mcp")).toBeUndefined()
    expect(at("https://evil.example/custom")).toBeUndefined()
    expect(metadataPath(undefined, server)).toBeUndefined()
  })
  test("has the server's path at its end", () => {
    expect(loginPath("/.well-known/oauth-protected-resource/mcp", "/mcp", "/v1/mcp")).toBe(
      "/.well-known/oauth-protected-resource/v1/mcp",
    )
    expect(loginPath("/.well-known/oauth-authorization-server", "/mcp", "/v1/mcp")).toBe(
      "/.well-known/oauth-authorization-server",
    )
    expect(loginPath("/token", "/mcp", "/v1/mcp")).toBe("/token")
    expect(loginPath("/admin", "/mcp", "/v1/mcp")).toBeUndefined()
  })
})
