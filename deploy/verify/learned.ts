/**
 * Claims about what was learned: a run that looks ahead on guesses, however wrong they are, comes to what it would have come to
 * without, and nothing provisional is on record or sent; numbers go through encodings unchanged; composed arithmetic is exact.
 */

import { Draw } from "../../gate/mod.ts"
import {
  type Prediction,
  type Rec,
  type Shadows,
  sameOutcome,
  sameValue,
  show,
  T,
  type Value,
} from "../../graph/mod.ts"
import { openEntry } from "../../kernel/mod.ts"
import { type Cells, cells, type Encoding, EncodingRefused, encodingOf, type Operation } from "../../shadow/mod.ts"
import { MemoryLedger } from "../ledger/memory.ts"
import { systemChance } from "../services/chance.ts"
import { systemClock } from "../services/clock.ts"
import type { Checked, Claim, Depth } from "./claim.ts"
import { engineOf, given, nothingSeen, planOf, probe, type Seen, withProbe } from "./tools.ts"

/** Reads that may be called on guesses, one that may not, a choice and a map on what they answer, and writes behind them. */
const AHEAD = `graph: ahead
input: { x: number }
nodes:
  a: { probe: p, with: { x: '\${input.x}' }, output: number, speculate: true }
  b: { probe: p, with: { x: '\${a}' }, output: number, speculate: true }
  careful: { probe: q, with: { x: '\${b}' }, output: number }
  w: { when: b > 3.0, then: { probe: p, with: { x: '\${b}' }, output: number, speculate: true }, else: { expr: '0.0' } }
  m: { map: '[a, b, w]', as: y, do: { probe: p, with: { x: '\${y}' }, output: number, speculate: true } }
  sent: { probe: r, effect: write, with: { x: '\${m.sum() + careful}' }, output: number }
  last: { probe: r, effect: write, with: { x: '\${sent}' }, output: number, after: sent }
output: '[sent, last]'
`

const next = (args: Rec): number => (given(args) as number) + 1
const BY = "00".repeat(32)

/** What a shadow says: the truth, another number, no number, nothing; or it breaks. */
function guess(draw: Draw, args: Value): Prediction {
  const sure = (value: unknown): Prediction => ({ ok: true, value, by: BY, alpha: 0.01, confidence: 0.99 })
  const right = next(args as Rec)
  switch (draw.below(8)) {
    case 0:
      return sure(right + draw.between(-3, 3))
    case 1:
      return sure("no number")
    case 2:
      return { ok: false, why: "confidence" }
    case 3:
      throw new RangeError("a shadow that breaks")
    default:
      return sure(right)
  }
}

async function looked(seen: Seen, input: Rec, draw: Draw | undefined) {
  const later = async (args: Rec) => {
    await systemClock.sleep(0)
    return next(args)
  }
  const kinds = withProbe(probe(seen, { output: T.number, answer: later }))
  const { checked, bytes } = planOf(AHEAD, kinds)
  const shadows: Shadows = { of: () => (draw === undefined ? undefined : { predict: (args) => guess(draw, args) }) }
  const store = new MemoryLedger()
  const services = { clock: systemClock, chance: systemChance, shadows }
  const engine = engineOf(kinds, { store, services, ...(draw === undefined ? {} : { speculate: { costs: false } }) })
  const { run, outcome, trace } = await (await engine.prepare(bytes, { grants: checked.needs })).run(input)
  const entries = store.entries("", run).rows.map((row) => openEntry(row.entry).body)
  await engine.close()
  return { outcome, trace, entries, guesses: entries.filter((e) => e.kind === "guess").length }
}

/** Calls of the tools that may not be asked on a guess: what was sent, and the read that is not marked. */
const certain = ({ calls }: Seen): string =>
  calls
    .filter(({ path, effect }) => effect === "write" || path === "careful")
    .map(({ path, key, args, effect }) => `${path} ${effect === "write" ? key.length : ""} ${show(args)}`)
    .join("; ")

async function guessed({ thorough, seed }: Depth): Promise<Checked> {
  const draw = new Draw(seed)
  const wrong: string[] = []
  let made = 0
  let tried = 0
  for (let i = 0; i < (thorough ? 1_000 : 100); i++) {
    const input = { x: draw.between(0, 5) }
    const [alone, ahead] = [nothingSeen(), nothingSeen()]
    const meant = await looked(alone, input, undefined)
    const got = await looked(ahead, input, draw)
    tried++
    made += got.guesses
    const at = `run ${i} of x = ${input.x}`
    if (!sameOutcome(got.outcome, meant.outcome)) wrong.push(`${at}: another outcome on guesses`)
    if (got.trace !== meant.trace) wrong.push(`${at}: another trace on guesses`)
    if (certain(ahead) !== certain(alone)) wrong.push(`${at}: called were ${certain(ahead)}, not ${certain(alone)}`)
  }
  if (made < tried) wrong.push(`only ${made} guesses in ${tried} runs: nothing was shown`)
  return { tried, what: "runs on guesses, right and wrong", how: "sample", wrong }
}

/** Why a value does not come back as it was; undefined where it does. */
function lost(encoding: Encoding, value: number): string | undefined {
  const features = new Float32Array(encoding.width)
  const refused = encoding.write(value, features, 0)
  if (refused !== undefined) return `${value}: ${refused.message}`
  const back = encoding.read(features, 0)
  if (back instanceof EncodingRefused) return `${value}: ${back.message}`
  return sameValue(back, value) ? undefined : `${value} came back as ${show(back)}`
}

async function encoded({ thorough, seed }: Depth): Promise<Checked> {
  const draw = new Draw(seed)
  const wrong: string[] = []
  const small = encodingOf(T.number, { integer: true, min: -32_768, max: 65_535 })
  const any = encodingOf(T.number)
  if (small instanceof EncodingRefused || any instanceof EncodingRefused)
    return { tried: 0, what: "numbers", how: "sample", wrong: ["numbers have no encoding"] }
  const look = (encoding: Encoding, value: number) => {
    const why = lost(encoding, value)
    if (why !== undefined) wrong.push(why)
  }
  for (let n = -32_768; n <= 65_535; n++) look(small, n)
  for (const odd of [0, -0, Number.MIN_VALUE, -Number.MIN_VALUE, Number.MAX_VALUE, 1 / 0, -1 / 0, Number.NaN])
    look(any, odd)
  const bits = new DataView(new ArrayBuffer(8))
  const tried = thorough ? 200_000 : 20_000
  for (let i = 0; i < tried; i++) {
    for (const at of [0, 4]) bits.setUint32(at, draw.below(0x1_0000_0000))
    look(any, bits.getFloat64(0))
  }
  return { tried, what: "numbers of 64 bits, beside every one of 16", how: "sample", wrong }
}

const MOST = 1n << 63n
const OPERATIONS: readonly Operation[] = ["add", "subtract", "multiply", "divide"]

/** What the operation gives on 64 bits; undefined where it does not fit, or divides by zero. */
function meant(operation: Operation, a: bigint, b: bigint): bigint | undefined {
  if (operation === "divide" && b === 0n) return undefined
  const all = { add: a + b, subtract: a - b, multiply: a * b, divide: b === 0n ? 0n : a / b }
  const found = all[operation]
  return found >= -MOST && found < MOST ? found : undefined
}

async function computed({ thorough, seed }: Depth): Promise<Checked> {
  const draw = new Draw(seed)
  const own: Cells | Error = cells()
  if (own instanceof Error) return { tried: 0, what: "sums", how: "sample", wrong: [own.message] }
  const wrong: string[] = []
  const tried = thorough ? 100_000 : 10_000
  const word = (): bigint => {
    const all = (BigInt(draw.below(0x1_0000_0000)) << 32n) | BigInt(draw.below(0x1_0000_0000))
    // As many short numbers as long ones: of long ones most products do not fit.
    return BigInt.asIntN(64, all) >> BigInt(draw.below(64))
  }
  for (let i = 0; i < tried; i++) {
    const operation = OPERATIONS[i % 4]!
    const [a, b] = [word(), word()]
    const [got, want] = [own.int64(operation, a, b), meant(operation, a, b)]
    if (got !== want) wrong.push(`${operation} of ${a} and ${b} is ${got}, not ${want}`)
  }
  return { tried, what: `sums, beside all ${own.checked} cases of their cells`, how: "sample", wrong }
}

export const LEARNED: readonly Claim[] = [
  {
    name: "looking ahead",
    says: "Whatever shadows guess, a run comes to what it would have come to without them, and nothing is sent on a guess.",
    check: guessed,
  },
  {
    name: "encodings",
    says: "A number goes into the features of a model and comes back to the bit.",
    check: encoded,
  },
  {
    name: "composed cells",
    says: "Arithmetic composed of cells, of which every answer was checked, is exact on 64 bits.",
    check: computed,
  },
]
