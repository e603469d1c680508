/**
 * Addresses sorted by reach, against the IANA special-purpose registries as plain CIDR blocks in another library's hands
 * (`node:net` BlockList): nothing in a block may count as public, and addresses beside the blocks must.
 */
import { describe, expect, test } from "bun:test"
import { BlockList } from "node:net"
import { addressOf, hostnameOf, reachOf, reachOfHost } from "./mod.ts"

/** iana.org/assignments/iana-ipv4-special-registry and -ipv6-special-registry, with multicast and IPv4 in IPv6. */
const BLOCKS4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
]
const blocked = new BlockList()
for (const [net, bits] of BLOCKS4) blocked.addSubnet(net, bits, "ipv4")

/** A small generator with a fixed seed: the same addresses on every run. */
function* numbers(seed: number): Generator<number> {
  let x = seed
  for (;;) {
    x = (Math.imul(x, 1664525) + 1013904223) >>> 0
    yield x
  }
}
const dotted = (n: number) => [n >>> 24, (n >>> 16) & 255, (n >>> 8) & 255, n & 255].join(".")

describe("reachOf", () => {
  test("agrees with the registry over 20,000 addresses and the edges of every block", () => {
    const random = numbers(7)
    const edges = BLOCKS4.flatMap(([net, bits]) => {
      const start = net.split(".").reduce((n, p) => n * 256 + Number(p), 0)
      const end = start + 2 ** (32 - bits) - 1
      return [start - 1, start, end, end + 1].filter((n) => n >= 0 && n < 2 ** 32)
    })
    const all = [...edges, ...Array.from({ length: 20_000 }, () => random.next().value as number)]
    // Of 192.0.0.0/24 and 192.31.196.0/24 and their like, only what the registry calls globally reachable may differ.
    const wrong = all.map((n) => dotted(n >>> 0)).filter((a) => blocked.check(a, "ipv4") === (reachOf(a) === "public"))
    expect(wrong).toEqual([])
  })

  test("sees through IPv6 to the IPv4 address inside", () => {
    const random = numbers(11)
    for (let i = 0; i < 2000; i++) {
      const a = dotted(random.next().value as number)
      expect(reachOf(`::ffff:${a}`)).toBe(reachOf(a))
      for (const disguise of [`::ffff:0:${a}`, `64:ff9b::${a}`, `64:ff9b:1::${a}`])
        expect(reachOf(disguise)).toBe("never")
      const hex = a.split(".").map((p) => Number(p).toString(16).padStart(2, "0"))
      expect(reachOf(`2002:${hex[0]}${hex[1]}:${hex[2]}${hex[3]}::1`)).toBe("never")
      expect(reachOf(`::${hex[0]}${hex[1]}:${hex[2]}${hex[3]}`)).not.toBe("public")
    }
  })

  test("sorts by kind", () => {
    const of = (...addresses: string[]) => [...new Set(addresses.map(reachOf))]
    expect(of("8.8.8.8", "2606:4700::1111", "2a00:1450:4001::200e")).toEqual(["public"])
    expect(of("127.0.0.1", "::1", "10.0.0.1", "fd00::1", "100.64.0.1")).toEqual(["private"])
    expect(of("169.254.169.254", "fe80::1", "fe80::1%eth0")).toEqual(["link-local"])
    expect(of("0.0.0.0", "::", "255.255.255.255", "ff02::1", "not an address", "")).toEqual(["never"])
  })
})

test("host names tell where they can", () => {
  expect(["localhost", "LOCALHOST.", "a.localhost", "[::1]", "127.0.0.1"].map(reachOfHost)).toEqual(
    Array(5).fill("private"),
  )
  expect(["example.com", "localhost.example.com", "notlocalhost"].map(reachOfHost)).toEqual(Array(3).fill("name"))
  expect([hostnameOf("[::1]:80"), hostnameOf("[::1]"), hostnameOf("a.b:8080")]).toEqual(["[::1]", "[::1]", "a.b"])
  expect([addressOf("[::1]"), addressOf("1.2.3.4"), addressOf("a.b")]).toEqual(["::1", "1.2.3.4", undefined])
})
