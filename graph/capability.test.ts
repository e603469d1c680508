/**
 * Capabilities: the grammar as a table of what is right and what is refused, where and with which advice; coverage by
 * hand; and the laws, over random capabilities, against an oracle that knows nothing of the code: each capability as a
 * regular expression over a small universe of requests.
 */
import { describe, expect, test } from "bun:test"
import {
  type Capability,
  CapabilityError,
  type CapabilityReason,
  common,
  coverage,
  covers,
  includes,
  least,
  meet,
  narrow,
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

// ---- the laws

/** Requests, spelled out: `host port path` or a text of words. Rich enough to tell every two capabilities below apart. */
const HOSTS = ["a.com", "b.com", "x.a.com", "y.x.a.com", "127.0.0.1", "[::1]"]
const PORTS = ["80", "443", "9"]
const PATHS = ["/", "/a", "/a/b", "/a/b/c", "/a/c", "/a/bx", "/ab", "/ab/c", "/b", "/b/a", "/bx"]
const NETS = HOSTS.flatMap((h) => PORTS.flatMap((p) => PATHS.map((path) => `net ${h} ${p} ${path}`)))
const NAMES = [
  "a",
  "a/d",
  "a/b",
  "a/bc",
  "a/b/c",
  "ab",
  "ab/c",
  "b",
  "bx",
  "abx",
  "a:b",
  "a:b/c",
  "a:c",
  "a:bx",
  "c",
  "cx",
].flatMap((n) => [`app ${n}`, `model ${n}`])
const FILES = ["read", "write"].flatMap((m) =>
  ["/", "/a", "/a/b", "/ab", "/a:b", ".", "./a", "./a/b"].map((p) => `fs ${m} ${p}`),
)
const UNIVERSE: readonly string[] = [...NETS, ...NAMES, ...FILES, "private"]

const CAPABILITIES: readonly string[] = [
  ...["*", "*.com", "*.a.com", "*.x.a.com", "a.com", "b.com", "x.a.com", "127.0.0.1", "[::1]"].flatMap((h) =>
    ["", ":80", ":443"].flatMap((p) =>
      ["", "/a", "/a*", "/a/b", "/a/*", "/ab", "/a/b*", "/b", "/b*"].map((path) => `net:${h}${p}${path}`),
    ),
  ),
  "net:private",
  ...["app", "model"].flatMap((s) =>
    ["*", "a", "a*", "a/b", "a/b*", "a/*", "a:*", "a:b", "ab", "ab*", "b", "b*", "a/b/c", "c"].map((n) => `${s}:${n}`),
  ),
  ...["read", "write"].flatMap((m) => ["/", "/a", "/a/b", "/ab", ".", "./a"].map((p) => `fs:${m}:${p}`)),
]

const escaped = (text: string): string => text.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&")
/** The requests that a capability allows, read off its text by rules of its own. */
function allowed(text: string): RegExp {
  if (text === "net:private") return /^private$/
  const star = text.endsWith("*")
  const net = /^net:(\[[^\]]*\]|[^:/]*)(?::(\d+))?(\/.*)?$/.exec(text)
  if (net !== null) {
    const [, host = "", port, path = ""] = net
    const h = host === "*" ? "[^ ]+" : host.startsWith("*.") ? `[^ ]+${escaped(host.slice(1))}` : escaped(host)
    const open = path.endsWith("*")
    const p = path === "" ? ".*" : open ? `${escaped(path.slice(0, -1))}.*` : `${escaped(path)}(/.*)?`
    return new RegExp(`^net ${h} ${port ?? "\\d+"} ${p}$`)
  }
  const fs = /^fs:(read|write):(.*)$/.exec(text)
  if (fs !== null) return new RegExp(`^fs ${fs[1]} ${fs[2] === "/" ? "/.*" : `${escaped(fs[2]!)}(/.*)?`}$`)
  const [, scheme, name = ""] = /^(\w+):(.*)$/.exec(text)!
  return new RegExp(`^${scheme} ${star ? `${escaped(name.slice(0, -1))}.*` : `${escaped(name)}([/:].*)?`}$`)
}

/** For each capability the requests it allows, as one big number with a bit for each. */
const SETS = new Map(
  CAPABILITIES.map((c) => {
    const pattern = allowed(c)
    let bits = 0n
    UNIVERSE.forEach((u, i) => {
      if (pattern.test(u)) bits |= 1n << BigInt(i)
    })
    return [c, bits]
  }),
)
const within = (a: bigint, b: bigint): boolean => (a & ~b) === 0n

/** Numbers from a seed: a failure is the same tomorrow. */
function seeded(seed: number): (below: number) => number {
  let x = seed >>> 0
  return (below) => {
    x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0
    return Math.floor((x / 4_294_967_296) * below)
  }
}

describe("laws, against requests spelled out", () => {
  const parsed = new Map(CAPABILITIES.map((c) => [c, parseCapability(c) as Capability]))

  test("the universe tells all capabilities apart, and each allows something", () => {
    expect(new Set(SETS.values()).size).toBe(CAPABILITIES.length)
    expect([...SETS.values()].every((set) => set !== 0n)).toBe(true)
  })

  test("covers is the subset relation, for every two of them", () => {
    const wrong: string[] = []
    for (const a of CAPABILITIES)
      for (const b of CAPABILITIES) {
        if (includes(parsed.get(a)!, parsed.get(b)!) !== within(SETS.get(b)!, SETS.get(a)!)) wrong.push(`${a} ⊇ ${b}`)
      }
    expect(wrong).toEqual([])
  })

  test("what two have in common is their intersection, for every two of them", () => {
    const wrong: string[] = []
    for (const a of CAPABILITIES)
      for (const b of CAPABILITIES) {
        const both = common(parsed.get(a)!, parsed.get(b)!)
        const text = both && printCapability(both)
        const set = text === undefined ? 0n : (SETS.get(text) ?? -1n)
        if (set !== (SETS.get(a)! & SETS.get(b)!)) wrong.push(`${a} ∩ ${b} = ${text}`)
      }
    expect(wrong).toEqual([])
  })

  test("reflexive, antisymmetric, transitive", () => {
    const next = seeded(7)
    const any = () => CAPABILITIES[next(CAPABILITIES.length)]!
    let chains = 0
    for (const a of CAPABILITIES) expect(covers(a, a)).toBe(true)
    for (let i = 0; i < 4_000; i++) {
      const [a, b] = [any(), any()]
      if (covers(a, b) && covers(b, a)) expect(a).toBe(b)
      // Mostly from what a covers, so that chains are not rare.
      const below = CAPABILITIES.filter((_, k) => (k + i) % 29 === 0 && covers(a, CAPABILITIES[k]!))
      for (const c of below)
        for (const d of below)
          if (covers(c, d)) {
            chains++
            expect(covers(a, d)).toBe(true)
          }
    }
    expect(chains).toBeGreaterThan(1_000)
  })

  const sets = (names: readonly string[]) => names.reduce((all, n) => all | SETS.get(n)!, 0n)
  const some = (next: (below: number) => number, most: number) =>
    Array.from({ length: next(most + 1) }, () => CAPABILITIES[next(CAPABILITIES.length)]!)

  test("narrow hands on what the parent covers and nothing else; what it hands on never reaches further", () => {
    const next = seeded(11)
    let refused = 0
    let narrowed = 0
    for (let i = 0; i < 5_000; i++) {
      const parent = some(next, 6)
      const child = i % 2 === 0 ? some(next, 2) : [...meet(parent, some(next, 4))]
      const inside = child.every((c) => parent.some((p) => within(SETS.get(c)!, SETS.get(p)!)))
      let given: readonly string[] | undefined
      try {
        given = narrow(parent, child)
      } catch (cause) {
        expect((cause as CapabilityError).reason).toBe("widens")
      }
      expect(given !== undefined).toBe(inside)
      if (given === undefined) {
        refused++
        continue
      }
      narrowed++
      expect(sets(given)).toBe(sets(child))
      expect(within(sets(given), sets(parent))).toBe(true)
      const [has, had] = [coverage(given), coverage(parent)]
      for (let k = 0; k < 20; k++) {
        const need = CAPABILITIES[next(CAPABILITIES.length)]!
        if (has(need)) expect(had(need)).toBe(true)
      }
    }
    expect(Math.min(refused, narrowed)).toBeGreaterThan(1_000)
  })

  test("meet is the intersection: commutative, idempotent, associative, and least", () => {
    const next = seeded(13)
    for (let i = 0; i < 2_000; i++) {
      const [a, b, c] = [some(next, 5), some(next, 5), some(next, 5)]
      const both = meet(a, b)
      expect(sets(both)).toBe(sets(a) & sets(b))
      expect(meet(b, a)).toEqual(both)
      expect(meet(a, a)).toEqual(least(a))
      expect(meet(both, c)).toEqual(meet(a, meet(b, c)))
      expect(least(both)).toEqual(both)
    }
  })

  test("many grants answer as each of them would; the least names say the same with none too many", () => {
    const next = seeded(17)
    for (let i = 0; i < 2_000; i++) {
      const grants = some(next, 8)
      const covered = coverage(grants)
      const few = least(grants)
      const coveredByFew = coverage(few)
      for (const need of some(next, 12)) {
        const plain = grants.some((g) => within(SETS.get(need)!, SETS.get(g)!))
        expect(covered(need)).toBe(plain)
        expect(coveredByFew(need)).toBe(plain)
      }
      for (const name of few) expect(few.some((o) => o !== name && covers(o, name))).toBe(false)
    }
  })

  test("a need in any other spelling is covered by nothing", () => {
    const next = seeded(19)
    const spoil: readonly ((text: string) => string)[] = [
      (t) => t.toUpperCase(),
      (t) => t.replace("a", "\u0430"),
      (t) => t.replace(":", ":/"),
      (t) => `${t}/..`,
      (t) => `${t}/%2e%2e/x`,
      (t) => `${t}//x`,
      (t) => ` ${t}`,
      (t) => `${t}\u0000`,
      (t) => t.replace("/", "\\"),
    ]
    const all = coverage(CAPABILITIES)
    for (let i = 0; i < 5_000; i++) {
      const text = CAPABILITIES[next(CAPABILITIES.length)]!
      const other = spoil[next(spoil.length)]!(text)
      if (other === text) continue
      const read = parseCapability(other)
      if (read instanceof CapabilityError) expect(all(other)).toBe(false)
      else expect(printCapability(read)).toBe(other)
    }
  })
})
