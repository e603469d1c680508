/**
 * The laws of capabilities, over all pairs and over random lists of them, against an oracle that knows nothing of the
 * code: each capability as a regular expression over a small universe of requests, spelled out.
 */
import { describe, expect, test } from "bun:test"
import {
  type Capability,
  CapabilityError,
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
