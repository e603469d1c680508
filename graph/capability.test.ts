/** Coverage of capabilities: a table by hand, and the fast forms held against the plain rule. */
import { describe, expect, test } from "bun:test"
import { coverage, covers, least } from "./capability.ts"

const TABLE: readonly (readonly [grant: string, need: string, yes: boolean])[] = [
  ["sql:shop", "sql:shop", true],
  ["sql:shop", "sql:shop:read", true],
  ["sql:shop:read", "sql:shop", false],
  ["sql:shop", "sql:shopping", false],
  ["sql", "sql:shop:read", true],
  ["fs:read:/data", "fs:read:/data/a.txt", true],
  ["fs:read:/data", "fs:read:/database", false],
  ["fs:read:/data", "fs:read:/data/../etc/passwd", false],
  ["fs:read:/", "fs:read:/etc", true],
  ["fs:read:/data", "fs:read:/data//a", false],
  ["net:*.example.com", "net:rates.example.com", true],
  ["net:*.example.com", "net:a.b.example.com", true],
  ["net:*.example.com", "net:example.com", false],
  ["net:*.example.com", "net:rates.example.com:8443", true],
  ["net:*.example.com", "net:rates.example.com.evil.org", false],
  ["net:*.example.com", "net:evil.org/x.example.com", false],
  ["net:*.example.com", "net:evil.org:1.example.com", false],
  ["net:*", "net:example.com", true],
  ["net:*", "net:", false],
  ["net:a*.example.com", "net:a.example.com", false],
  ["net:a*.example.com", "net:ab.example.com", true],
  ["net:*.*.com", "net:a.b.com", true],
  ["net:*.*.com", "net:b.com", false],
  ["", "net:x", false],
  ["*", "net:x", true],
  ["net:*.example.com", "net:*.example.com", true],
]

describe("capabilities", () => {
  for (const [grant, need, yes] of TABLE) {
    test(`${grant} ${yes ? "covers" : "does not cover"} ${need}`, () => {
      expect(covers(grant, need)).toBe(yes)
      expect(coverage([grant, "other:x"])(need)).toBe(yes)
    })
  }

  test("the least names cover all, and none of them another; as the plain rule says", () => {
    const words = [
      "net",
      "net:a.com",
      "net:*.com",
      "net:b.a.com",
      "sql:x",
      "sql:x:read",
      "sql:y:read",
      "fs:/a",
      "fs:/a/b",
    ]
    for (let mask = 0; mask < 1 << words.length; mask++) {
      const names = words.filter((_, i) => (mask & (1 << i)) !== 0)
      const plain = names.filter((n) => !names.some((o) => o !== n && covers(o, n))).sort()
      expect(least(names)).toEqual(plain)
      const covered = coverage(least(names))
      for (const name of names) expect(covered(name)).toBe(true)
    }
  })

  test("stars take no time on long texts", () => {
    expect(covers(`net:${"*a".repeat(200)}`, `net:${"a".repeat(20_000)}b`)).toBe(false)
  })
})
