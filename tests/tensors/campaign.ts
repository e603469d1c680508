// Random tensors through the codec and through whole runs, held against the bytes that they were made of. Elements are drawn
// bit by bit, and every second tensor of floats is full of what is easily lost: NaN payloads, −0, infinities, subnormals.
import { ExtensionCodec, decode as msgpackDecode } from "@msgpack/msgpack"
import { DTYPE_BYTES, decode, encode, sameBytes, Tensor, type Value } from "../../graph/mod.ts"
import { Random, randomTensor } from "../../graph/random.sample.ts"
import { Machine } from "../machine/machine.ts"

export interface Tally {
  readonly tensors: number
  /** Of these, sent through a run as well: input, slots, a tool, a body, the output, the ledger. */
  readonly runs: number
  readonly odd: number
  /** What came back with another type, shape or byte. */
  readonly differences: readonly string[]
}

/** One in so many goes through a whole run, too. */
const RUN_EVERY = 100

/** Bit patterns of floats, the sign in front: quiet and signalling NaN with payloads, infinity, zero, subnormals. */
const ODD: Readonly<Record<string, readonly bigint[]>> = {
  f64: [0x7ff8000000000001n, 0x7ff0000000000001n, 0x7fffffffffffffffn, 0x7ff0000000000000n, 0n, 1n, 0xfffffffffffffn],
  f32: [0x7fc00001n, 0x7f800001n, 0x7fffffffn, 0x7f800000n, 0n, 1n, 0x7fffffn],
  f16: [0x7e01n, 0x7c01n, 0x7fffn, 0x7c00n, 0n, 1n, 0x3ffn],
}

/** Puts odd elements, of either sign, in the place of all others. */
function made(r: Random, t: Tensor): Tensor {
  const patterns = ODD[t.dtype]!
  const size = DTYPE_BYTES[t.dtype]
  const data = new Uint8Array(t.data.length)
  for (let at = 0; at < data.length; at += size) {
    const bits = r.pick(patterns) | (r.chance(0.5) ? 1n << BigInt(8 * size - 1) : 0n)
    for (let i = 0; i < size; i++) data[at + i] = Number((bits >> BigInt(8 * i)) & 0xffn)
  }
  return new Tensor(t.dtype, t.shape, data)
}

const same = (a: Value, b: Tensor): boolean =>
  a instanceof Tensor && a.dtype === b.dtype && a.shape.join() === b.shape.join() && sameBytes(a.data, b.data)

/** Another reader of the same bytes: the MessagePack library, which hands out what an extension holds, as it is. */
const raw = new ExtensionCodec()
raw.register({ type: 1, encode: () => null, decode: (data) => data.slice() })
const endsIn = (whole: Uint8Array, tail: Uint8Array): boolean =>
  sameBytes(whole.subarray(whole.length - tail.length), tail)

const GRAPH = `graph: carry
input: { t: unknown }
nodes:
  told: { read: give, on: elsewhere, with: { t: "\${ input.t }" }, output: unknown }
  each: { map: "[told, input.t]", as: x, do: { pure: give, with: { t: "\${ x }" }, output: unknown } }
output: each
`

/** Sends `count` tensors of a seed through the codec, and one in a hundred through a run. */
export async function campaign(count: number, seed: number): Promise<Tally> {
  const r = new Random(seed)
  const differences: string[] = []
  const carry = new Machine(GRAPH, { give: ({ t }: { t: Value }) => t })
  let runs = 0
  let odd = 0
  for (let i = 0; i < count; i++) {
    let t = randomTensor(r)
    if (ODD[t.dtype] !== undefined && i % 2 === 0) {
      t = made(r, t)
      odd++
    }
    const bytes = encode(t)
    const back = decode(bytes)
    if (!same(back, t) || !sameBytes(encode(back), bytes)) differences.push(`tensor ${i}: by our codec`)
    if (i % RUN_EVERY !== 0) continue
    if (!endsIn(msgpackDecode(bytes, { extensionCodec: raw }) as Uint8Array, t.data))
      differences.push(`tensor ${i}: by the MessagePack library`)
    const { out } = await carry.run({ t })
    runs++
    if (!Array.isArray(out) || out.length !== 2 || !out.every((x) => same(x, t)))
      differences.push(`tensor ${i}: through a run`)
  }
  return { tensors: count, runs, odd, differences }
}
