/**
 * The load of the soak, a process of its own. `most`: so many connections that each ask again when they are answered, which
 * finds the most that the server does. `hold`: requests that begin at a steady rate, whatever becomes of the ones before, and
 * among them all that may go wrong at a client: runs that are cancelled or left, bodies that are broken or come slowly, answers
 * that are read slowly. Every answer is looked at. Prints a `Tally`; ids of accepted runs go to a file.
 */
import { closeSync, openSync, writeSync } from "node:fs"
import type { Socket } from "node:net"
import { totalOf } from "../../bench/http/order.ts"
import { priceOf, receiptOf } from "./house.ts"
import { type Answer, post, read, SILENT, Wires } from "./wire.ts"

export interface Load {
  readonly mode: "most" | "hold"
  readonly port: number
  readonly seconds: number
  /** `most`: connections. `hold`: requests a second. */
  readonly many: number
  /** A line for each run that the server said it took: its id, and the hash of its end where the answer had it. */
  readonly runs: string
  /** Payments have names of their own in each load. */
  readonly name: string
}

export interface Tally {
  /** Requests, by what they are. */
  readonly asked: { [kind: string]: number }
  /** What they came to: `right`; `refused` as they had to be; `left` by the client; `down`: the tool was; `shed`: no place; `silent`: nothing came for 30 s. */
  readonly came: { [how: string]: number }
  /** Answers that were not as they had to be, the first of them in words. */
  wrong: number
  readonly wrongs: string[]
  readonly perSecond: number
  /** Milliseconds of an order, from when it was due to its answer. */
  readonly p50: number
  readonly p99: number
  readonly p999: number
  readonly most: number
}

type Came = "right" | "refused" | "left" | "down" | "asked" | "shed" | "silent"
const SHOWN_MAX = 20
/** What a run may fail with while its tool is dead, and only then. */
const DOWN: ReadonlySet<string> = new Set(["Unreachable", "ToolDied"])
/** Requests of 1,000 that `hold` makes of each sort; the rest are orders. */
const MIX = {
  price: 60,
  pay: 30,
  add: 15,
  later: 20,
  cancel: 10,
  leave: 10,
  broken: 20,
  dribble: 4,
  listen: 4,
} as const
type Kind = keyof typeof MIX | "order"
/** Only these when the most is looked for, as often as they come among each other in `hold`. */
const USUAL: ReadonlySet<Kind> = new Set(["order", "price", "pay", "add"])

const load = JSON.parse(process.argv[2]!) as Load
const { port, name } = load
const wires = new Wires(port)
const file = openSync(load.runs, "a")
let lines: string[] = []
const tally = {
  asked: {} as Record<string, number>,
  came: {} as Record<string, number>,
  wrong: 0,
  wrongs: [] as string[],
}
const times: number[] = []
let seed = 1

/** From 0 to below 1, the same in every soak (mulberry32). */
function chance(): number {
  seed = (seed + 0x6d2b79f5) | 0
  let t = Math.imul(seed ^ (seed >>> 15), 1 | seed)
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
  return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
}

function draw(usual: boolean): Kind {
  for (;;) {
    let at = chance() * 1000
    let drawn: Kind = "order"
    for (const [kind, share] of Object.entries(MIX)) {
      if (at < share) {
        drawn = kind as Kind
        break
      }
      at -= share
    }
    if (!usual || USUAL.has(drawn)) return drawn
  }
}

// ---- what came

interface Told {
  readonly run?: string
  readonly output?: { readonly [name: string]: unknown }
  readonly code?: string
  readonly status?: unknown
  readonly parked?: readonly { readonly why: string }[]
  readonly ledger?: { readonly head: string }
}

function took({ run, ledger }: Told): void {
  if (run === undefined) return
  lines.push(`${run} ${ledger?.head ?? ""}\n`)
  if (lines.length >= 1_000) keep()
}
function keep(): void {
  writeSync(file, lines.join(""))
  lines = []
}

function wrong(kind: string, answer: Answer | string | undefined): Came | undefined {
  tally.wrong++
  const said =
    typeof answer === "string" ? answer : answer === undefined ? "no answer" : `${answer.status} ${answer.body}`
  if (tally.wrongs.length < SHOWN_MAX) tally.wrongs.push(`${kind}: ${said.slice(0, 400)}`)
  return undefined
}

/** An answer to a request that asked for a run: `holds` looks at its output. */
function came(
  kind: Kind,
  answer: Answer | undefined,
  holds: (output: NonNullable<Told["output"]>) => boolean,
): Came | undefined {
  if (answer === undefined) return wrong(kind, answer)
  const told = JSON.parse(answer.body) as Told
  took(told)
  if (answer.status === 200 && told.output !== undefined && holds(told.output)) return "right"
  // Of a payment whose answer was cut off nobody knows, and a person is asked.
  if (kind === "pay" && answer.status === 202 && told.parked?.[0]?.why === "uncertain") return "asked"
  if (answer.status === 503 && told.run === undefined) return "shed"
  if (answer.status === 500 && told.code !== undefined && DOWN.has(told.code)) return "down"
  return wrong(kind, answer)
}

// ---- what is asked

const ask = (graph: string, input: object, headers: readonly string[] = []): Promise<Answer | undefined> =>
  wires.ask(post(port, `/graphs/${graph}/runs`, JSON.stringify({ input }), headers))
const pause = (ms: number): Promise<void> => new Promise((wake) => setTimeout(wake, ms))

const someOrder = (i: number) => ({
  quantity: 1 + (i % 9),
  price: 0.5 + (i % 101) * 0.75,
  country: i % 3 === 0 ? "CH" : "DE",
})
const isOrder = (order: ReturnType<typeof someOrder>, output: object): boolean => {
  const { total, tax } = output as { readonly total: number; readonly tax: number }
  const want = totalOf(order)
  return total === want.total && tax === want.tax
}

const DOES: { readonly [K in Kind]: (i: number, due: number) => Promise<Came | undefined> } = {
  order: async (i, due) => {
    const order = someOrder(i)
    const answer = await ask("order", order)
    times.push(performance.now() - due)
    return came("order", answer, (output) => isOrder(order, output))
  },
  price: async (i) => {
    const [item, quantity] = [i % 1_000, 1 + (i % 5)]
    return came("price", await ask("price", { item, quantity }), ({ cost }) => cost === priceOf(item) * quantity)
  },
  pay: async (i) => {
    const [id, amount] = [`${name}${i}`, i % 500]
    return came("pay", await ask("pay", { id, amount }), ({ receipt }) => receipt === receiptOf(id, amount))
  },
  add: async (i) => {
    const [a, b] = [i % 5_000, i % 77]
    return came("add", await ask("add", { a, b }), ({ sum }) => sum === a + b)
  },
  /** Begun under a key, asked for again under the same key while it may still go on. */
  later: async (i) => {
    const order = someOrder(i)
    const headers = ["prefer: respond-async", `idempotency-key: ${name}-${i}`]
    const first = await ask("order", order, headers)
    if (first?.status === 503) return "shed"
    if (first === undefined || (first.status !== 202 && first.status !== 200)) return wrong("later", first)
    const { run } = JSON.parse(first.body) as Told
    took({ run: run! })
    await pause(20 + chance() * 80)
    const second = await ask("order", order, headers)
    if (second === undefined || (second.status !== 202 && second.status !== 200)) return wrong("later", second)
    const told = JSON.parse(second.body) as Told
    if (told.run !== run) return wrong("later, another run", second)
    return told.output === undefined || isOrder(order, told.output) ? "right" : wrong("later", second)
  },
  cancel: async () => {
    const first = await ask("slow", { ms: 200 }, ["prefer: respond-async"])
    if (first?.status === 503) return "shed"
    if (first === undefined) return wrong("cancel, begun", first)
    const { run, code } = JSON.parse(first.body) as Told
    took({ run: run! })
    // It had failed before the answer was written.
    if (first.status === 500 && code !== undefined && DOWN.has(code)) return "down"
    if (first.status !== 202) return wrong("cancel, begun", first)
    await pause(chance() * 150)
    const answer = await wires.ask(post(port, `/runs/${run}/cancel`, "{}"))
    // The tool may have died meanwhile, and the run with it.
    return answer?.status === 200 || answer?.status === 202 || answer?.status === 409
      ? "right"
      : wrong("cancel", answer)
  },
  /** Goes away in the middle of the run, or of the request. */
  leave: async (i) => {
    const request = post(port, "/graphs/slow/runs", '{"input":{"ms":200}}')
    const part = i % 4 === 0 ? request.slice(0, -5) : request
    await wires.raw((socket) => {
      socket.write(part)
      setTimeout(() => socket.destroy(), 10 + chance() * 120)
    })
    return "left"
  },
  broken: async (i) => {
    const { request, statuses } = BROKEN[i % BROKEN.length]!
    const text = await wires.raw(
      (socket) => void socket.write(request(port)),
      (said) => said.includes("\r\n\r\n"),
    )
    return statuses.includes(Number(text.slice(9, 12))) ? "refused" : wrong("broken", text)
  },
  /** A body that comes in five parts. */
  dribble: async (i) => {
    const order = someOrder(i)
    const request = post(port, "/graphs/order/runs", JSON.stringify({ input: order }), ["connection: close"])
    const text = await wires.raw((socket) => void dribble(socket, request))
    const answer = read(text)
    return answer === undefined ? wrong("dribble", text) : came("dribble", answer, (o) => isOrder(order, o))
  },
  /** Events of a run, read only after a while. */
  listen: async (i) => {
    const order = someOrder(i)
    const request = post(port, "/graphs/order/runs", JSON.stringify({ input: order }), ["accept: text/event-stream"])
    const text = await wires.raw(
      (socket) => {
        socket.write(request)
        socket.pause()
        setTimeout(() => socket.resume(), 500 + chance() * 1_500)
      },
      (said) => /event: (result|failed)\n.*\n\n/.test(said) || (read(said)?.status ?? 200) !== 200,
    )
    if (text.startsWith("HTTP/1.1 503")) return "shed"
    const run = /"run":"([0-9A-Z]{26})"/.exec(text)?.[1]
    const result = /event: result\r?\ndata: (.*)/.exec(text)?.[1]
    if (run === undefined || result === undefined) return wrong("listen", text)
    const told = JSON.parse(result) as Told
    took({ ...told, run })
    return told.output !== undefined && isOrder(order, told.output) ? "right" : wrong("listen", text)
  },
}

async function dribble(socket: Socket, request: string): Promise<void> {
  const size = Math.ceil(request.length / 5)
  for (let at = 0; at < request.length; at += size) {
    socket.write(request.slice(at, at + size))
    await pause(150)
  }
}

const runs =
  (body: string, headers: readonly string[] = []) =>
  (to: number) =>
    post(to, "/graphs/order/runs", body, ["connection: close", ...headers])
/** Requests that are wrong, each with what it may be answered. */
const BROKEN: readonly { readonly request: (port: number) => string; readonly statuses: readonly number[] }[] = [
  { request: runs('{ "input": { "quantity": '), statuses: [400] },
  { request: runs('{ "input": { "quantity": "two", "price": 1, "country": "CH" } }'), statuses: [422] },
  { request: runs(`{"input":${"[".repeat(400)}${"]".repeat(400)}}`), statuses: [400, 422] },
  { request: runs(JSON.stringify({ input: "x".repeat(1_100_000) })), statuses: [413] },
  { request: (to) => post(to, "/graphs/../secret/runs", "{}", ["connection: close"]), statuses: [404] },
  { request: (to) => post(to, "/graphs/nobody/runs", "{}", ["connection: close"]), statuses: [404] },
  { request: () => "GARBAGE \u0001\u0002\r\n\r\n", statuses: [400] },
  { request: runs('{"input":{}}', ["idempotency-key: "]), statuses: [400, 422] },
]

// ---- how it goes

const open = new Set<Promise<unknown>>()
async function one(kind: Kind, i: number, due: number): Promise<void> {
  tally.asked[kind] = (tally.asked[kind] ?? 0) + 1
  const how = await DOES[kind](i, due).catch((cause: unknown) =>
    cause === SILENT ? cause : wrong(kind, String(cause)),
  )
  if (how !== undefined) tally.came[how] = (tally.came[how] ?? 0) + 1
}

async function most(): Promise<number> {
  const end = performance.now() + load.seconds * 1_000
  let i = 0
  const talk = async () => {
    while (performance.now() < end) await one(draw(true), i++, performance.now())
  }
  await Promise.all(Array.from({ length: load.many }, talk))
  return i / load.seconds
}

async function hold(): Promise<number> {
  const began = performance.now()
  const total = Math.round(load.seconds * load.many)
  let i = 0
  while (i < total) {
    const now = performance.now()
    for (let due = began + (i * 1_000) / load.many; i < total && due <= now; due = began + (++i * 1_000) / load.many) {
      const going: Promise<unknown> = one(draw(false), i, due).finally(() => open.delete(going))
      open.add(going)
    }
    await pause(1)
  }
  const seconds = (performance.now() - began) / 1_000
  await Promise.all(open)
  return total / seconds
}

const perSecond = load.mode === "most" ? await most() : await hold()
keep()
closeSync(file)
wires.close()
times.sort((a, b) => a - b)
const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? 0
const told: Tally = { ...tally, perSecond, p50: at(0.5), p99: at(0.99), p999: at(0.999), most: times.at(-1) ?? 0 }
process.stdout.write(JSON.stringify(told), () => process.exit(0))
