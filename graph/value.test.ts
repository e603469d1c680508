// The canonical codec against what is independent of it: the MessagePack library, the public test vectors of msgpack
// (graph/value/vectors.json, github.com/kawanet/msgpack-test-suite, MIT), and properties over seeded random values.
import { describe, expect, test } from "bun:test"
import { ExtensionCodec, decode as msgpackDecode, encode as msgpackEncode } from "@msgpack/msgpack"
import { Random, randomTensor, randomText, randomValue } from "./random.sample.ts"
import type { DType } from "./type.ts"
import vectors from "./value/vectors.json" with { type: "json" }
import {
  compareKeys,
  DEPTH_MAX,
  type Digest,
  DTYPE_BYTES,
  decode,
  encode,
  hashValue,
  hex,
  sameBytes,
  sameValue,
  sha256,
  Tensor,
  unhex,
  type Value,
  ValueError,
} from "./value.ts"

const reason = (run: () => unknown): string => {
  try {
    run()
  } catch (e) {
    if (e instanceof ValueError) return e.reason
    throw e
  }
  return "none"
}
const bytes = (text: string) => unhex(text.replaceAll("-", ""))

describe("the public msgpack vectors", () => {
  type Vector = { readonly msgpack: readonly string[] } & { readonly [form: string]: unknown }
  const all = Object.entries(vectors as unknown as Record<string, readonly Vector[]>)

  /** The value a vector stands for, or undefined where it is a timestamp or an extension, which are no values. */
  function meaning(v: Vector): Value | undefined {
    if ("nil" in v) return null
    if ("binary" in v) return bytes(v["binary"] as string)
    if ("bignum" in v) return BigInt(v["bignum"] as string)
    for (const form of ["bool", "number", "string", "array", "map"]) if (form in v) return v[form] as Value
    return undefined
  }

  for (const [file, group] of all) {
    test(`${file}: ${group.length} values`, () => {
      for (const v of group) {
        const forms = v.msgpack.map(bytes)
        const value = meaning(v)
        if (value === undefined || (typeof value === "bigint" && BigInt.asIntN(64, value) !== value)) {
          for (const b of forms) expect(reason(() => decode(b))).toMatch(/undecodable|not-canonical/)
          continue
        }
        const ours = encode(value)
        const canonical = forms.filter((b) => sameBytes(b, ours))
        // The vectors name the forms a decoder must take; ours is one of them, and the only one that we take.
        expect(canonical.length).toBe(1)
        for (const b of forms) {
          if (sameBytes(b, ours)) expect(sameValue(decode(b), value)).toBe(true)
          else expect(reason(() => decode(b))).toBe("not-canonical")
        }
      }
    })
  }
})

describe("against the MessagePack library", () => {
  const extensions = new ExtensionCodec()
  extensions.register({ type: 1, encode: () => null, decode: (payload) => ({ tensor: hex(payload) }) })

  /** What the library makes of our bytes, in our terms: 64-bit integers it gives as bigint, tensors as their payload. */
  function same(ours: Value, theirs: unknown): boolean {
    if (typeof theirs === "bigint") return BigInt(ours as number) === theirs
    if (ours instanceof Tensor) {
      const payload = (theirs as { tensor: string }).tensor
      const head = hex(msgpackEncode([ours.dtype, ours.shape]))
      return payload === head + hex(ours.data)
    }
    if (ours instanceof Uint8Array) return theirs instanceof Uint8Array && sameBytes(ours, theirs)
    if (Array.isArray(ours)) {
      return Array.isArray(theirs) && ours.length === theirs.length && ours.every((x, i) => same(x, theirs[i]))
    }
    if (typeof ours === "object" && ours !== null) {
      const keys = Object.keys(theirs as object)
      const record = ours as { [k: string]: Value }
      return (
        keys.length === Object.keys(record).length &&
        keys.every((k) => same(record[k]!, (theirs as { [k: string]: unknown })[k]))
      )
    }
    return Object.is(ours, theirs)
  }

  test("20,000 random values read back as the same, by both decoders", () => {
    for (let seed = 1; seed <= 20_000; seed++) {
      const v = randomValue(new Random(seed))
      const b = encode(v)
      const theirs = msgpackDecode(b, { extensionCodec: extensions, useBigInt64: true } as object)
      if (!same(v, theirs)) expect(`seed ${seed}`).toBe("the same by the library")
      const back = decode(b)
      if (!sameValue(v, back)) expect(`seed ${seed}`).toBe("the same by us")
      if (!sameBytes(b, encode(back))) expect(`seed ${seed}`).toBe("the same bytes again")
    }
  })
})

describe("canonical bytes", () => {
  test("100,000 random tensors survive bit for bit", () => {
    const r = new Random(11)
    for (let i = 0; i < 100_000; i++) {
      const t = randomTensor(r)
      const back = decode(encode(t)) as Tensor
      if (back.dtype !== t.dtype || back.shape.join() !== t.shape.join() || !sameBytes(back.data, t.data)) {
        expect(`tensor ${i}`).toBe("the same")
      }
    }
  })

  test("NaN payloads, −0 and subnormals stay in tensors; a float64 keeps −0 and has one NaN", () => {
    const odd = new Uint32Array([0x7fc00001, 0xffc00000, 0x7f800001, 0x80000000, 0x00000001])
    const t = new Tensor("f32", [5], new Uint8Array(odd.buffer))
    expect((decode(encode(t)) as Tensor).data).toEqual(new Uint8Array(odd.buffer))
    expect(Object.is(decode(encode(-0)), -0)).toBe(true)
    const nans = [new Uint32Array([1, 0x7ff80000]), new Uint32Array([0, 0xfff80000]), new Uint32Array([0, 0x7ff80000])]
    const forms = nans.map((bits) => hex(encode(new Float64Array(bits.buffer)[0]!)))
    expect(new Set(forms)).toEqual(new Set(["cb7ff8000000000000"]))
  })

  test("shapes of 0 to 15 dimensions, each dimension of every length of msgpack integer", () => {
    for (let n = 0; n <= 15; n++) {
      const t = new Tensor(
        "u8",
        Array.from({ length: n }, () => 1),
        new Uint8Array(1),
      )
      expect((decode(encode(t)) as Tensor).shape).toEqual(t.shape)
    }
    for (const n of [127, 128, 255, 256, 65535, 65536]) {
      expect((decode(encode(new Tensor("bool", [n], new Uint8Array(n)))) as Tensor).shape).toEqual([n])
    }
    for (const n of [2 ** 32 - 1, 2 ** 32, 2 ** 40]) {
      expect((decode(encode(new Tensor("u8", [n, 0], new Uint8Array(0)))) as Tensor).shape).toEqual([n, 0])
    }
    const shape = Array.from({ length: 16 }, () => 1)
    expect(reason(() => new Tensor("u8", shape, new Uint8Array(1)))).toBe("tensor")
    for (const bad of [[-1], [1.5], [Number.NaN], [2 ** 53]]) {
      expect(reason(() => new Tensor("u8", bad, new Uint8Array(0)))).toBe("tensor")
    }
  })

  test("every element type takes as many bytes as it says", () => {
    for (const dtype of Object.keys(DTYPE_BYTES) as DType[]) {
      const size = DTYPE_BYTES[dtype]
      expect((decode(encode(new Tensor(dtype, [3], new Uint8Array(3 * size)))) as Tensor).dtype).toBe(dtype)
      expect(reason(() => new Tensor(dtype, [3], new Uint8Array(3 * size + 1)))).toBe("tensor")
    }
  })

  test("keys are ordered by code point, which is the order of their UTF-8 bytes", () => {
    const r = new Random(5)
    const keys = Array.from({ length: 2000 }, () => randomText(r))
    const utf8 = new TextEncoder()
    const byBytes = (a: string, b: string) => {
      const [x, y] = [utf8.encode(a), utf8.encode(b)]
      for (let i = 0; i < x.length && i < y.length; i++) if (x[i] !== y[i]) return x[i]! - y[i]!
      return x.length - y.length
    }
    for (let i = 1; i < keys.length; i++) {
      const [a, b] = [keys[i - 1]!, keys[i]!]
      if (Math.sign(compareKeys(a, b)) !== Math.sign(byBytes(a, b)))
        expect(`${a} and ${b}`).toBe("in the order of bytes")
    }
    expect(Object.keys(decode(encode({ "\u{1f418}": 1, "\u{ffff}": 2, a: 3 })) as object)).toEqual([
      "a",
      "\u{ffff}",
      "\u{1f418}",
    ])
  })

  test("records built in another order, and whole numbers of either kind, are one value", () => {
    expect(hashValue({ b: 1, a: [2n] })).toEqual(hashValue({ a: [2], b: 1 }))
    expect(sameValue({ b: 1, a: [2n] }, { a: [2], b: 1 })).toBe(true)
    expect(sameValue(0, -0)).toBe(false)
    expect(sameValue(Number.NaN, Number.NaN)).toBe(true)
  })

  test("the hash of a value is the digest of its bytes, whatever was hashed before and whatever the digest does", () => {
    const r = new Random(8)
    const copies: Digest = (b) => b.slice()
    const inner = (): void => {
      const v = [randomTensor(r), randomText(r)]
      if (hex(hashValue(v)) !== hex(sha256(encode(v)))) expect(hex(encode(v))).toBe("hashed as itself within")
    }
    const digests: readonly Digest[] = [
      copies,
      // Asks for another hash while the bytes of this one are looked at.
      (b) => {
        inner()
        return b.slice()
      },
      // Leaves nothing of what it was given.
      (b) => {
        const copy = b.slice()
        b.fill(0xff)
        return copy
      },
    ]
    const throws = (v: Value, digest?: Digest) => expect(() => hashValue(v, digest)).toThrow()
    for (let i = 0; i < 3_000; i++) {
      const size = r.chance(0.01) ? 2 ** r.below(22) : r.chance(0.2) ? 1_010 + r.below(30) : r.below(80)
      const v: Value = r.chance(0.3) ? randomValue(r) : r.chance(0.5) ? "x".repeat(size) : new Uint8Array(size).fill(i)
      const want = encode(v)
      const found = hashValue(v, r.pick(digests))
      if (!sameBytes(found, want)) expect(`value ${i}, ${want.length} bytes`).toBe("hashed as its bytes")
      if (r.chance(0.05)) {
        const getter = Object.defineProperty({ a: randomTensor(r) }, "b", {
          enumerable: true,
          get: () => {
            inner()
            throw new RangeError("no")
          },
        })
        throws(
          r.pick([
            [randomValue(r), getter as Value],
            [randomTensor(r), (() => 1) as unknown as Value],
          ]),
        )
        throws("x", () => {
          throw new RangeError("no")
        })
      }
    }
  })

  test("same value exactly when same bytes", () => {
    const r = new Random(3)
    const values = Array.from({ length: 400 }, () => randomValue(r, 1))
    for (const a of values) {
      for (const b of values) {
        if (sameValue(a, b) !== sameBytes(encode(a), encode(b))) expect<unknown>([a, b]).toBe("agreeing")
      }
    }
  })

  test("half a surrogate pair is U+FFFD in bytes, in equality and in keys", () => {
    expect(sameBytes(encode("a\ud800"), encode("a\ufffd"))).toBe(true)
    expect(sameValue("a\ud800", "a\ufffd")).toBe(true)
    expect(decode(encode({ "\ud800": 1, "\u{ffff}": 2 }))).toEqual({ "\ufffd": 1, "\u{ffff}": 2 })
  })
})

const nested = (levels: number): Value => {
  let v: Value = 1
  for (let i = 0; i < levels; i++) v = [v]
  return v
}

describe("what is refused", () => {
  test("values that are none", () => {
    const refused = (v: unknown) => reason(() => encode(v as Value))
    expect(refused(undefined)).toBe("unencodable")
    expect(refused({ a: () => 1 })).toBe("unencodable")
    expect(refused(2n ** 63n)).toBe("int64")
    expect(refused(JSON.parse(`{"__proto__": 1}`))).toBe("unencodable")
    let deep: Value = nested(DEPTH_MAX)
    expect(sameValue(decode(encode(deep)), deep)).toBe(true)
    deep = nested(DEPTH_MAX + 100)
    expect(refused(deep)).toBe("too-deep")
    expect(sameValue(decode(encode([1, { a: "b" }])), [1, { a: "b" }])).toBe(true)
  })

  test("bytes that are not canonical, not msgpack, or too deep", () => {
    const of = (text: string) => reason(() => decode(bytes(text)))
    expect(of("82a16101a16102")).toBe("not-canonical") // a key twice
    expect(of("82a16201a16101")).toBe("not-canonical") // keys out of order
    expect(of("8101a161")).toBe("undecodable") // a key that is no text
    expect(of("81a95f5f70726f746f5f5f01")).toBe("undecodable") // __proto__
    expect(of("cb3ff0000000000000")).toBe("not-canonical") // 1 as a float
    expect(of("cb7ff8000000000001")).toBe("not-canonical") // another NaN
    expect(of("a1ff")).toBe("undecodable") // not UTF-8
    expect(of("dd7fffffff")).toBe("undecodable") // two thousand million elements in no bytes
    expect(of("c1")).toBe("undecodable")
    expect(of("0101")).toBe("undecodable") // something follows
    expect(of("")).toBe("undecodable")
    expect(of("d4010000")).toBe("not-canonical")
    expect(of("c70102c0")).toBe("undecodable") // an extension of another kind
    expect(of("c7010190")).toBe("undecodable") // a tensor without its head
    expect(of("91".repeat(1000) + "01")).toBe("too-deep")
    expect(of("91".repeat(100_000))).toBe("too-deep")
  })

  test("every cut and every changed byte of 300 encodings is refused or is another value", () => {
    for (let seed = 1; seed <= 300; seed++) {
      const r = new Random(seed)
      const v = randomValue(r, 2)
      const b = encode(v)
      for (let cut = 0; cut < b.length; cut++) {
        const why = reason(() => decode(b.subarray(0, cut)))
        if (why === "none") expect(`seed ${seed} cut at ${cut}`).toBe("refused")
      }
      for (let i = 0; i < Math.min(b.length, 40); i++) {
        const changed = b.slice()
        changed[i] = changed[i]! ^ (1 + r.below(255))
        let other: Value
        try {
          other = decode(changed)
        } catch (e) {
          if (!(e instanceof ValueError)) throw e
          continue
        }
        // What is taken is canonical: it encodes to exactly these bytes.
        if (!sameBytes(encode(other), changed)) expect(`seed ${seed} byte ${i}`).toBe("canonical")
      }
    }
  })

  test("decoded bytes are copies", () => {
    const b = encode({ raw: new Uint8Array([1, 2]), t: new Tensor("u8", [1], new Uint8Array([3])) })
    const v = decode(b) as { raw: Uint8Array; t: Tensor }
    b.fill(0)
    expect([...v.raw, ...v.t.data]).toEqual([1, 2, 3])
  })
})
