// Requests drawn by chance against a whole server: methods, paths, queries, headers and bodies, half of them near to what is
// right. Every one is answered within its time, by a status that fits what it says, a problem document where it is one, and
// nothing of the inside of the server; and the server is as well afterwards as it was before.
import { describingWay } from "../../deploy/http/describing.ts"
import { PROBLEMS } from "../../deploy/http/problems.ts"
import { uploadsWay } from "../../deploy/http/uploads.ts"
import { MemoryLedger } from "../../deploy/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { Chance } from "../hostile/chance.ts"
import { ASKS, FAILS, Gates, SLOW, SUM, site } from "./world.ts"

export interface Tally {
  requests: number
  /** Of each status how many. */
  by: { [status: string]: number }
  faults: string[]
}

/** Milliseconds in which every request is answered; the server's own limits are far below. */
const HANG_MS = 5_000
const TOKEN = "right-token"
const KEYS = [
  "input",
  "inputs",
  "answers",
  "leave",
  "cancel",
  "value",
  "__proto__",
  "constructor",
  "a",
  "b",
  "n",
  "id",
  "at",
]
const TEXTS = [
  "",
  "A",
  "\u0000",
  "🜁",
  "\ud800",
  "../../etc/passwd",
  "${input}",
  "9007199254740993",
  "x".repeat(300),
  "<script>",
  "'; DROP TABLE runs;--",
  "%00",
  "NaN",
]

export async function fuzz(seed: number, count: number): Promise<Tally> {
  const tally: Tally = { requests: 0, by: {}, faults: [] }
  const defects: unknown[] = []
  const shelf = {
    grants: ["serve:upload"],
    plansMax: 2,
    planBytesMax: 10_000,
    admit: async () => {
      throw new AdmissionError({ reason: "unreadable", message: "no plan", refusals: [] })
    },
    keep: async () => {},
    forget: async () => {},
  }
  const world = new Gates()
  const { app, get, post, engine } = await site(
    [SUM, SLOW, ASKS, FAILS],
    {
      // Every other seed as a server that shares turns.
      shared: seed % 2 === 1,
      ways: [describingWay({ version: "1", guarded: false }), uploadsWay(shelf)],
      limits: {
        bodyBytesMax: 2_000,
        bodyMsMax: 50,
        runMsMax: 30,
        backgroundMsMax: 60,
        streamsMax: 20,
        feedEventsMax: 10,
        endedKeptMax: 20,
        batchMax: 8,
        heartbeatMs: 5,
        runsMax: 16,
        waitingMax: 8,
      },
      holderOf: async (request) => {
        const granted = request.headers.get("authorization") === `Bearer ${TOKEN}`
        return {
          name: granted ? "right" : "other",
          grants: granted ? ["app:look", "app:send", "ask:person", "serve:upload"] : ["app:look", "ask:person"],
        }
      },
      onDefect: (cause) => void defects.push(cause),
    },
    new MemoryLedger({ entriesMax: 2_000 }),
    world,
  )
  const chance = new Chance(seed)
  const runs = [
    "none",
    (await post("/graphs/asks/runs", { input: { id: "A" } })).json.run,
    (await post("/graphs/sum/runs", { input: { a: 1 } })).json.run,
  ]
  for (let i = 0; i < count; i++) {
    const request = draw(chance, runs)
    const shown = `seed ${seed} request ${i}: ${request.method} ${request.url.slice(16, 160)}`
    const fault = await judge(app, request, tally, runs)
    if (fault !== undefined) tally.faults.push(`${shown}: ${fault}`)
    for (const cause of defects.splice(0))
      tally.faults.push(`${shown}: a defect: ${String((cause as Error)?.stack ?? cause).slice(0, 400)}`)
    tally.requests++
  }
  // As well as before: it runs a graph, and nothing is left open.
  const last = await post("/graphs/sum/runs", { input: { a: 40, b: 2 } })
  if (last.json.output?.sum !== 42)
    tally.faults.push(`seed ${seed}: it does not run any more: ${JSON.stringify(last.json)}`)
  await new Promise((wake) => setTimeout(wake, 150))
  const { running, waiting, streams } = (await get("/health")).json
  if (running + waiting + streams !== 0)
    tally.faults.push(`seed ${seed}: left open: ${running} runs, ${waiting} waiting, ${streams} streams`)
  await engine.close()
  return tally
}

async function judge(
  app: { readonly fetch: (request: Request) => Response | Promise<Response> },
  request: Request,
  tally: Tally,
  runs: string[],
): Promise<string | undefined> {
  let timer: ReturnType<typeof setTimeout> | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), HANG_MS)
  })
  const answered = (async () => {
    const response = await app.fetch(request)
    return { response, text: await response.text() }
  })().catch((cause: unknown) => `it threw ${String(cause)}`)
  const said = await Promise.race([answered, late])
  clearTimeout(timer)
  if (said === undefined) return `no answer within ${HANG_MS} ms`
  if (typeof said === "string") return said
  const { response, text } = said
  const { status, headers } = response
  tally.by[status] = (tally.by[status] ?? 0) + 1
  if (headers.get("x-content-type-options") !== "nosniff" && status !== 204) return "its headers are not safe"
  if (/\.ts:\d+|node_modules|^\s*at .*:\d+:\d+|bun:|node:/m.test(text))
    return `it shows its inside: ${text.slice(0, 200)}`
  const type = headers.get("content-type") ?? ""
  if (request.method === "HEAD") return text === "" ? undefined : "a body for HEAD"
  if (type === "text/event-stream") return status === 200 ? undefined : `a stream with status ${status}`
  if (!type.includes("json")) return status === 200 ? undefined : `status ${status} without a problem document: ${type}`
  let json: { readonly [key: string]: unknown }
  try {
    json = JSON.parse(text)
  } catch {
    return `its JSON cannot be read: ${text.slice(0, 100)}`
  }
  if (status < 400) {
    if (typeof json["run"] === "string" && runs.length < 40) runs.push(json["run"])
    return undefined
  }
  if (type !== "application/problem+json") return `status ${status} is no problem document`
  const kind = String(json["type"]).replace("/problems/", "")
  const known = Object.hasOwn(PROBLEMS, kind) ? PROBLEMS[kind as keyof typeof PROBLEMS] : undefined
  if (known === undefined || known[0] !== status || json["status"] !== status || json["title"] !== known[1])
    return `an unknown problem: ${text.slice(0, 200)}`
  return kind === "internal" ? `a defect: ${text.slice(0, 200)}` : undefined
}

function draw(chance: Chance, runs: readonly string[]): Request {
  const pick = <A>(of: readonly A[]): A => of[chance.below(of.length)]!
  const word = (): string =>
    chance.below(3) === 0 ? pick(TEXTS) : pick(["sum", "slow", "asks", "fails", "none", ...runs])
  const part = (): string => {
    const text = word().replace(/[\ud800-\udfff]/g, "�")
    return chance.below(4) === 0 ? text.replaceAll(/[^\w./%-]/g, "_") : encodeURIComponent(text)
  }
  const path = (): string => {
    const run = encodeURIComponent(pick(runs))
    switch (chance.below(24)) {
      case 0:
        return `/${part()}/${part()}/${part()}`
      case 1:
        return `/runs/${run}`
      case 2:
        return `/runs/${run}/${pick(["events", "proof", "cancel", "resume", "undo", "nothing"])}`
      case 3:
        return pick([
          "/",
          "/health",
          "/ready",
          "/graphs",
          "/runs",
          "/docs",
          "/openapi.json",
          "/problems/busy",
          "/plans",
          "/events/go",
        ])
      case 4:
        return `/plans/${part()}`
      case 5:
        return `/graphs/${part()}/batch`
      case 6:
        return `/graphs/${part()}`
      case 7:
        return `/events/${part()}`
      default:
        return `/graphs/${chance.below(3) === 0 ? part() : pick(["sum", "slow", "asks", "fails"])}/runs`
    }
  }
  const query = chance.below(5) === 0 ? `?${pick(["limit", "before", "graph", "early", "after", "x"])}=${part()}` : ""
  const method = chance.below(4) === 0 ? pick(["GET", "PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"]) : "POST"
  const headers = new Headers()
  const set = (name: string, value: string): void => {
    const safe = [...value].filter((c) => c >= " " && c <= "\u00ff").join("")
    headers.set(name, safe)
  }
  if (chance.below(10) > 0)
    set(
      "content-type",
      pick([
        "application/json",
        "application/json",
        "application/json",
        "application/json; charset=utf-8",
        "text/plain",
        "application/problem+json",
        word(),
      ]),
    )
  if (chance.below(4) > 0) set("authorization", chance.below(4) === 0 ? word() : `Bearer ${TOKEN}`)
  if (chance.below(5) === 0)
    set("prefer", pick(["respond-async", "wait=0", "respond-async, wait=1", "wait=99999999999", word()]))
  if (chance.below(5) === 0) set("idempotency-key", pick(["k", '"k"', "", '"', word()]))
  if (chance.below(6) === 0) set("accept", pick(["text/event-stream", "*/*", word()]))
  if (chance.below(8) === 0) set("last-event-id", pick(["r0", "r99999999", "r-1", "x.0", word()]))
  if (chance.below(10) === 0) set("content-length", pick(["0", "99999999", "-1", "NaN"]))
  const url = `http://localhost${path()}${query}`
  if (method === "GET" || method === "HEAD") return new Request(url, { method, headers })
  const body = bodyOf(chance, pick, word)
  // As it comes from most clients: what says how long it is, is read in one piece.
  if (!(body instanceof ReadableStream) && !headers.has("content-length") && chance.below(3) > 0)
    set("content-length", String(typeof body === "string" ? new TextEncoder().encode(body).length : body.length))
  return new Request(url, { method, headers, body, duplex: "half" } as RequestInit)
}

type Body = string | Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>

function bodyOf(chance: Chance, pick: <A>(of: readonly A[]) => A, word: () => string): Body {
  const value = (depth: number): unknown => {
    switch (chance.below(depth > 3 ? 5 : 8)) {
      case 0:
        return pick([0, 1, -1, 1.5, 1e308, 2 ** 53, -0])
      case 1:
        return word()
      case 2:
        return pick([null, true, false])
      case 3:
        return chance.below(100)
      case 5:
        return Array.from({ length: chance.below(4) }, () => value(depth + 1))
      default:
        return Object.fromEntries(Array.from({ length: chance.below(4) }, () => [pick(KEYS), value(depth + 1)]))
    }
  }
  const right = (): unknown =>
    pick<unknown>([
      { input: { a: 1 } },
      { input: { a: 1, b: 2 } },
      { input: { n: 1 } },
      { input: { id: "A" } },
      { input: { at: chance.below(4) } },
      { inputs: [{ a: 1 }, { a: "x" }] },
      { answers: { sure: true } },
      {},
    ])
  const text = JSON.stringify(chance.below(2) === 0 ? right() : value(0)) ?? ""
  switch (chance.below(10)) {
    case 0:
      return text.slice(0, chance.below(text.length + 1))
    case 1: {
      // A byte that is another.
      const bytes = new TextEncoder().encode(text)
      if (bytes.length > 0) bytes[chance.below(bytes.length)] = chance.below(256)
      return bytes
    }
    case 2:
      return pick([
        "[".repeat(900),
        `{"input":${"[".repeat(500)}${"]".repeat(500)}}`,
        "\ufeff{}",
        "{}{}",
        '{"input":{"a":1e999}}',
        "x".repeat(3_000),
        " ".repeat(1_999),
      ])
    case 3:
      // In pieces, some of which never come.
      return new ReadableStream<Uint8Array>({
        start(stream) {
          const bytes = new TextEncoder().encode(text)
          stream.enqueue(bytes.slice(0, bytes.length >> 1))
          if (chance.below(3) === 0) return
          stream.enqueue(bytes.slice(bytes.length >> 1))
          if (chance.below(8) === 0) stream.error(new TypeError("broken off"))
          else stream.close()
        },
      })
    default:
      return text
  }
}
