/** The aged cache against a plain model of it: never too old, never too large, never another tenant's. */
import { describe, expect, test } from "bun:test"
import { encode, sha256 } from "../graph/mod.ts"
import { AgedCache, cacheKey, externIdentity } from "./cache.ts"

const clockAt = (at: { ms: number }) => ({ now: () => 0, tick: () => at.ms, sleep: async () => {} })

describe("AgedCache", () => {
  test("gives a value until it is older than asked for, and then no more", () => {
    const at = { ms: 0 }
    const cache = new AgedCache(clockAt(at))
    cache.put("k", encode({ a: [1, -0] }))
    at.ms = 600
    expect(cache.get("k", 600)).toEqual({ value: { a: [1, -0] } })
    at.ms = 601
    expect(cache.get("k", 600)).toBeUndefined()
    expect(cache.get("k", 700)).toEqual({ value: { a: [1, -0] } })
    cache.put("k", encode(2))
    expect(cache.get("k", 0)).toEqual({ value: 2 })
    expect(cache.get("other", 1_000)).toBeUndefined()
  })

  test("hands out a copy: what a caller changes, no other caller sees", () => {
    const cache = new AgedCache(clockAt({ ms: 0 }))
    cache.put("k", encode([1, 2]))
    const first = cache.get("k", 1)!.value as number[]
    first.push(3)
    expect(cache.get("k", 1)).toEqual({ value: [1, 2] })
  })

  test("stays within its bounds; the least recently used goes first", () => {
    const cache = new AgedCache(clockAt({ ms: 0 }), { entriesMax: 3, bytesMax: 1_000 })
    for (const k of ["a", "b", "c"]) cache.put(k, encode(k))
    cache.get("a", 1)
    cache.put("d", encode("d"))
    expect(["a", "b", "c", "d"].filter((k) => cache.get(k, 1) !== undefined)).toEqual(["a", "c", "d"])
    cache.put("large", new Uint8Array(101))
    expect(cache.get("large", 1)).toBeUndefined()
    for (let i = 0; i < 50; i++) {
      cache.put(`n${i % 7}`, encode("x".repeat(i)))
      expect(cache.size.entries).toBeLessThanOrEqual(3)
      expect(cache.size.bytes).toBeLessThanOrEqual(1_000)
    }
  })

  test("counts bytes to the byte, those of a value that is kept anew once", () => {
    const cache = new AgedCache(clockAt({ ms: 0 }), { entriesMax: 100, bytesMax: 100 })
    // Exactly a tenth of the room is kept.
    for (let i = 0; i < 3; i++) cache.put("a", new Uint8Array(10).fill(0xc0))
    expect(cache.size).toEqual({ entries: 1, bytes: 10 })
    for (let i = 0; i < 9; i++) cache.put(`n${i}`, new Uint8Array(10).fill(0xc0))
    expect(cache.size).toEqual({ entries: 10, bytes: 100 })
    cache.put("one more", new Uint8Array(1).fill(0xc0))
    expect(cache.size).toEqual({ entries: 10, bytes: 91 })
    cache.put("large", new Uint8Array(11).fill(0xc0))
    expect(cache.size).toEqual({ entries: 10, bytes: 91 })
    // What is too large for it is not there in its old form either.
    cache.put("one more", new Uint8Array(11))
    expect(cache.size).toEqual({ entries: 9, bytes: 90 })
  })

  test("keys part tenants, tools, settings and inputs", () => {
    const none = new Uint8Array(32)
    const identity = externIdentity(["http", { http: "GET https://a" }, none, {}, null], sha256)
    const others = [
      externIdentity(["mcp", { http: "GET https://a" }, none, {}, null], sha256),
      externIdentity(["http", { http: "GET https://b" }, none, {}, null], sha256),
      externIdentity(["http", { http: "GET https://a" }, none.with(0, 1), {}, null], sha256),
      externIdentity(["http", { http: "GET https://a" }, none, { kind: "number" }, null], sha256),
      externIdentity(["http", { http: "GET https://a" }, none, {}, { pin: 1 }], sha256),
    ]
    expect(new Set([identity, ...others]).size).toBe(6)
    const input = new Uint8Array(32)
    expect(cacheKey("a", identity, input)).not.toBe(cacheKey("b", identity, input))
    expect(cacheKey("a", identity, input)).not.toBe(cacheKey("a", identity, input.with(0, 1)))
  })
})
