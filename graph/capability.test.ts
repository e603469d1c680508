/** Capabilities: the grammar as a table of what is right and what is refused, where and with which advice; coverage by hand. */
import { describe, expect, test } from "bun:test"
import {
  type Capability,
  CapabilityError,
  type CapabilityReason,
  coverage,
  covers,
  parseCapability,
  printCapability,
} from "./capability.ts"

const RIGHT = [
  "net:api.example.com",
  "net:api.example.com:8443",
  "net:api.example.com/v1",
  "net:api.example.com:8443/v1/*",
  "net:api.example.com/v1/user*",
  "net:api.example.com/a%20b/%C3%A9",
  "net:*",
  "net:*:443",
  "net:*.example.com",
  "net:localhost:8080",
  "net:xn--bcher-kva.example",
  "net:127.0.0.1:80",
  "net:[::1]:8080",
  "net:[2001:db8::1]",
  "net:[::ffff:7f00:1]/x",
  "net:private",
  "fs:read:/",
  "fs:read:/data",
  "fs:read:.",
  "fs:write:./out/a b",
  "fs:read:/données/ä:b",
  "mcp:files/read_text_file",
  "mcp:files",
  "mcp:files/read_*",
  "mcp:*",
  "sql:shop",
  "sql:shop:read",
  "sql:shop:write",
  "sql:*",
  "model:main",
  "model:openai/gpt-5",
  "model:llama3:8b",
  "secret:API_KEY",
  "env:APP_*",
  "spawn:npx",
  "spawn:/usr/bin/git",
  "ask:person",
  "app:orders:read",
  "shelf",
  "shelf:a/b:c",
]

const WRONG: readonly (readonly [text: string, reason: CapabilityReason, at: number, fix?: string])[] = [
  ["", "scheme", 0],
  [":x", "scheme", 0],
  ["*", "scheme", 0],
  ["NET:example.com", "scheme", 0, "net:example.com"],
  ["net", "form", 3],
  ["net:", "form", 4],
  ["fs:/data", "form", 3],
  ["fs:read", "form", 3],
  ["fs:read:", "form", 8, "fs:read:."],
  ["fs:read:data", "form", 8, "fs:read:./data"],
  ["sql:shop:read:all", "form", 13],
  ["sql:shop:drop", "form", 9, "sql:shop"],
  ["ask:person/two", "form", 10],
  // Ways out.
  ["fs:read:/data/../etc", "traversal", 14],
  ["fs:read:..", "traversal", 8],
  ["fs:read:../etc", "traversal", 8],
  ["fs:read:./..", "traversal", 10],
  ["fs:read:/data/./x", "traversal", 14],
  ["fs:read:/data/%2e%2e/etc", "traversal", 14],
  ["fs:read:/data%2Fetc", "traversal", 13],
  ["fs:read:/data/%252e", "traversal", 14],
  ["net:example.com/a/../b", "traversal", 18],
  ["net:example.com/a/%2e%2E/b", "traversal", 18],
  ["net:example.com/a%2fb", "traversal", 17],
  ["net:example.com/a%5Cb", "traversal", 17],
  ["mcp:files/..", "traversal", 10],
  ["mcp:files/%2e%2e", "traversal", 10],
  ["spawn:/bin/../sh", "traversal", 11],
  // Parts without names.
  ["fs:read:/data//a", "separator", 13, "fs:read:/data/a"],
  ["fs:read:/data/", "separator", 13, "fs:read:/data"],
  ["fs:read:./data/", "separator", 14, "fs:read:./data"],
  ["fs:read:./", "separator", 9, "fs:read:."],
  ["fs:read:\\data", "form", 8],
  ["fs:read:/data\\..\\etc", "separator", 13],
  ["net:example.com//a", "separator", 15],
  ["net:example.com/a/", "separator", 17, "net:example.com/a"],
  ["net:example.com/", "separator", 15, "net:example.com"],
  ["net:example.com/*", "separator", 15, "net:example.com"],
  ["net:example.com/a?b", "separator", 17],
  ["net:example.com\\@evil.org", "separator", 15],
  ["mcp:files:read", "separator", 9, "mcp:files/read"],
  ["mcp:files/", "separator", 10],
  ["mcp:files//read", "separator", 10],
  ["mcp:files\\read", "separator", 9],
  ["sql:shop/read", "separator", 8, "sql:shop:read"],
  // Characters.
  ["net:exa mple.com", "character", 7],
  ["net:example.com\n", "character", 15],
  ["net:example.com\u0000", "character", 15],
  ["net:exam\u200bple.com", "character", 8],
  ["net:\u202eexample.com", "character", 4],
  ["net:user@example.com", "character", 8],
  ["net:example.com/a b", "character", 17, "net:example.com/a%20b"],
  ["net:example.com/é", "character", 16, "net:example.com/%C3%A9"],
  ["net:example.com/%c3%a9", "character", 16],
  ["net:example.com/%61", "character", 16],
  ["net:example.com/%00", "character", 16],
  ["net:example.com/%4", "character", 16],
  ["net:example.com/%25", "character", 16],
  ["fs:read:/a\u0007", "character", 10],
  ["fs:read:/a\u00a0b", "character", 10],
  ["fs:read:/a\ud800", "character", 10],
  ["secret:A-B", "character", 8],
  ["env:1A", "character", 4],
  ["mcp:fi les/read", "character", 6],
  ["spawn:rm -rf", "character", 8],
  // Letters that look like others.
  ["net:ex\u0430mple.com", "homograph", 6, "net:xn--exmple-4nf.com"],
  ["net:bücher.example", "homograph", 5, "net:xn--bcher-kva.example"],
  ["net:*.bücher.example:8443/x", "homograph", 7, "net:*.xn--bcher-kva.example:8443/x"],
  ["net:ｅxample.com", "homograph", 4, "net:example.com"],
  ["mcp:f\u0456les/read", "homograph", 5],
  ["sql:sh\u03bfp:read", "homograph", 6],
  ["model:gpt\u20134", "homograph", 9],
  ["fs:read:/e\u0301", "homograph", 9, "fs:read:/\u00e9"],
  // Hosts in another form.
  ["net:Example.com", "host", 4, "net:example.com"],
  ["net:example.com.", "host", 15, "net:example.com"],
  ["net:.example.com", "host", 4],
  ["net:a..com", "host", 6],
  ["net:-a.com", "host", 4],
  ["net:127.1", "host", 4, "net:127.0.0.1"],
  ["net:0x7f.0.0.1", "host", 4, "net:127.0.0.1"],
  ["net:0177.0.0.1", "host", 4, "net:127.0.0.1"],
  ["net:2130706433", "host", 4, "net:127.0.0.1"],
  ["net:256.0.0.1", "host", 4],
  ["net:[::0001]", "host", 5, "net:[::1]"],
  ["net:[2001:DB8::1]:80", "host", 5, "net:[2001:db8::1]:80"],
  ["net:[0:0:0:0:0:0:0:1]", "host", 5, "net:[::1]"],
  ["net:[::ffff:127.0.0.1]", "host", 5, "net:[::ffff:7f00:1]"],
  ["net:[fe80::1%25eth0]", "host", 12],
  ["net:[::1", "host", 4],
  ["net:[1::2::3]", "host", 5],
  ["net:private:80", "form", 11, "net:private"],
  ["net:private/x", "form", 11, "net:private"],
  // Ports.
  ["net:example.com:0", "port", 16],
  ["net:example.com:65536", "port", 16],
  ["net:example.com:080", "port", 16],
  ["net:example.com:", "port", 16],
  ["net:example.com:/x", "port", 16],
  ["net:example.com:http", "port", 16],
  ["net:example.com:1:2", "port", 16],
  // Stars.
  ["net:a*.example.com", "star", 5],
  ["net:a.*.com", "star", 6],
  ["net:*.*.com", "star", 6],
  ["net:*.0.0.1", "star", 4],
  ["net:example.com/*/b", "star", 16],
  ["net:example.com:*", "port", 16],
  ["fs:read:/data/*", "star", 14, "fs:read:/data"],
  ["fs:read:*", "star", 8, "fs:read:."],
  ["fs:*:/data", "form", 3],
  ["mcp:*/read", "star", 4],
  ["mcp:fi*les", "star", 6],
  ["sql:shop:*", "star", 9, "sql:shop"],
  ["sql:*:read", "star", 4],
  ["spawn:/bin/*", "star", 11],
  [`net:${"a".repeat(64)}.com`, "length", 4],
  [`net:${"a.".repeat(130)}com`, "length", 257],
  [`app:${"a".repeat(2050)}`, "length", 2048],
]

const error = (text: string, declared?: ReadonlySet<string>): CapabilityError => {
  const read = parseCapability(text, declared)
  if (read instanceof CapabilityError) return read
  throw new TypeError(`${text} was read`)
}

describe("the grammar", () => {
  for (const text of RIGHT) {
    test(`reads ${text}, and prints it again`, () => {
      const read = parseCapability(text)
      expect(read).not.toBeInstanceOf(CapabilityError)
      expect(printCapability(read as Capability)).toBe(text)
      expect(covers(text, text)).toBe(true)
    })
  }

  for (const [text, reason, at, fix] of WRONG) {
    test(`refuses ${JSON.stringify(text).slice(0, 60)}: ${reason}`, () => {
      const e = error(text)
      expect([e.reason, e.at, e.fix]).toEqual([reason, at, fix])
      expect(e.message).toContain(e.wanted)
      // Advice is right, and what is refused grants nothing and is granted by nothing.
      if (fix !== undefined) expect(parseCapability(fix)).not.toBeInstanceOf(CapabilityError)
      expect(covers(text, text)).toBe(false)
      expect(coverage([text])(text)).toBe(false)
      // No letter that could hide or move the others reaches a terminal.
      expect(e.message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    })
  }

  test("an unknown scheme is refused unless it is declared; a near one is offered", () => {
    expect(error("shelf:a", new Set()).message).toContain('the scheme "shelf"')
    expect(parseCapability("shelf:a", new Set(["shelf"]))).not.toBeInstanceOf(CapabilityError)
    expect(error("scret:KEY", new Set(["shelf"])).fix).toBe("secret:KEY")
  })

  test("a message names the place, what stands there, what is wanted and what to write", () => {
    expect(error("net:ex\u0430mple.com").message).toBe(
      '"net:exа\\u{430}mple.com" is no capability: at character 7 stands U+0430; the host mixes Latin and Cyrillic letters, wanted a host in ASCII (its punycode form). Write net:xn--exmple-4nf.com',
    )
  })

  test("long texts take no time", () => {
    expect(error(`fs:read:/${"a/".repeat(1_000)}..`).reason).toBe("traversal")
    expect(error("/".repeat(1 << 20)).reason).toBe("length")
  })
})

const TABLE: readonly (readonly [grant: string, need: string, yes: boolean])[] = [
  ["sql:shop", "sql:shop", true],
  ["sql:shop", "sql:shop:read", true],
  ["sql:shop:read", "sql:shop", false],
  ["sql:shop:write", "sql:shop:read", false],
  ["sql:shop", "sql:shopping", false],
  ["sql:sh*", "sql:shop:read", true],
  ["fs:read:/data", "fs:read:/data/a.txt", true],
  ["fs:read:/data", "fs:read:/database", false],
  ["fs:read:/data", "fs:read:/data:2", false],
  ["fs:read:/data", "fs:read:/data/../etc/passwd", false],
  ["fs:read:/", "fs:read:/etc", true],
  ["fs:read:/", "fs:read:./etc", false],
  ["fs:read:.", "fs:read:./etc", true],
  ["fs:write:.", "fs:read:./etc", false],
  ["net:*.example.com", "net:rates.example.com", true],
  ["net:*.example.com", "net:a.b.example.com", true],
  ["net:*.example.com", "net:*.b.example.com", true],
  ["net:*.b.example.com", "net:*.example.com", false],
  ["net:*.example.com", "net:example.com", false],
  ["net:*.example.com", "net:rates.example.com:8443", true],
  ["net:*.example.com", "net:rates.example.com.evil.org", false],
  ["net:*.example.com", "net:evil-example.com", false],
  ["net:*.example.com", "net:evil.org/x.example.com", false],
  ["net:*", "net:example.com", true],
  ["net:*", "net:[::1]:80", true],
  ["net:*", "net:private", false],
  ["net:*:443", "net:example.com:443/x", true],
  ["net:*:443", "net:example.com", false],
  ["net:example.com/v1", "net:example.com/v1/users", true],
  ["net:example.com/v1", "net:example.com/v10", false],
  ["net:example.com/v1*", "net:example.com/v10/x", true],
  ["net:example.com/v1/*", "net:example.com/v1", false],
  ["net:example.com/v1", "net:example.com/v1/*", true],
  ["net:example.com/v1", "net:example.com", false],
  ["net:example.com", "net:example.com:8443/v1", true],
  ["mcp:files", "mcp:files/read", true],
  ["mcp:files/read_*", "mcp:files/read_text_file", true],
  ["mcp:f*", "mcp:files/read", true],
  ["shelf", "shelf:a:read", true],
  ["model:main", "sql:main", false],
]

describe("coverage", () => {
  for (const [grant, need, yes] of TABLE) {
    test(`${grant} ${yes ? "covers" : "does not cover"} ${need}`, () => {
      expect(covers(grant, need)).toBe(yes)
      expect(coverage([grant, "other:x"])(need)).toBe(yes)
    })
  }
})
