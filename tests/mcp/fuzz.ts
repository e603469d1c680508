/** Garbage for a server over streamable HTTP and over standard streams: what it answers, and whether it still works after. */
import { PassThrough } from "node:stream"
import { RunSlots, Tenant } from "../../deploy/engine/slots.ts"
import { serveMcpStdio } from "../../deploy/mcp/stdio.ts"
import { systemClock } from "../../deploy/services/clock.ts"
import { GRANTS } from "../durable/house.ts"
import { drawer, frame } from "./garbage.ts"
import { type InApp, inApp } from "./in_app.ts"

export interface Fuzzed {
  frames: number
  answers: number
  errors: number
  /** What must not be. */
  readonly wrong: string[]
}

const JSON_TYPE = { "content-type": "application/json", accept: "application/json, text/event-stream" }
/** Statuses that the protocol, or HTTP, has a word for. */
const STATUSES = new Set([200, 202, 400, 401, 403, 404, 405, 406, 409, 413, 415])

export async function fuzzHttp(seed: number, frames: number): Promise<Fuzzed> {
  const app = await inApp({ way: { http: { bodyBytesMax: 64 << 10 } } })
  const draw = drawer(seed)
  const told: Fuzzed = { frames: 0, answers: 0, errors: 0, wrong: [] }
  let session: string | undefined
  try {
    for (let i = 0; i < frames; i++) {
      if (i % 50 === 0) session = await begun(app)
      const { text } = frame(draw, i)
      const headers: Record<string, string> = { ...JSON_TYPE }
      if (draw.next() < 0.6 && session !== undefined) headers["mcp-session-id"] = session
      if (draw.next() < 0.1) headers["mcp-session-id"] = draw.one(["", "none", "x".repeat(5_000)])
      if (draw.next() < 0.3)
        headers["mcp-protocol-version"] = draw.one(["2025-11-25", "2026-07-28", "1999-01-01", "x", ""])
      if (draw.next() < 0.1)
        headers["content-type"] = draw.one(["text/plain", "application/xml", "application/json; charset=utf-16"])
      if (draw.next() < 0.05) headers["accept"] = draw.one(["text/html", ""])
      const method = draw.next() < 0.93 ? "POST" : draw.one(["GET", "DELETE", "PUT", "PATCH"])
      await posted(app, method, headers, text, told, seed, i)
      told.frames++
    }
    const response = await app.fetch(
      new Request("http://localhost/mcp", {
        method: "POST",
        headers: JSON_TYPE,
        body: '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"double","arguments":{"x":1}}}',
      }),
    )
    if (!(await response.text()).includes('"twice":3')) told.wrong.push(`seed ${seed}: a good call fails afterwards`)
    for (const cause of app.defects) told.wrong.push(`seed ${seed}: a defect: ${String(cause)}`)
  } finally {
    await app.close()
  }
  return told
}

async function posted(
  app: InApp,
  method: string,
  headers: Record<string, string>,
  body: string,
  told: Fuzzed,
  seed: number,
  i: number,
): Promise<void> {
  const stop = new AbortController()
  const at = `seed ${seed}, frame ${i}: ${body.slice(0, 200)}`
  const response = await app.fetch(
    new Request("http://localhost/mcp", {
      method,
      headers,
      signal: stop.signal,
      ...(method === "GET" ? {} : { body }),
    }),
  )
  if (!STATUSES.has(response.status)) told.wrong.push(`${at}: status ${response.status}`)
  // Streams that stay open are left; the others have an end.
  const text = await Promise.race([
    response.text(),
    new Promise<undefined>((go) => setTimeout(() => go(undefined), 1_000)),
  ])
  stop.abort()
  if (text === undefined) return
  told.answers++
  if (text.includes('"error"')) told.errors++
  if (text.includes("node_modules") || /\bat \S+ \(/.test(text))
    told.wrong.push(`${at}: shows its insides: ${text.slice(0, 200)}`)
}

async function begun(app: InApp): Promise<string | undefined> {
  const response = await app.fetch(
    new Request("http://localhost/mcp", {
      method: "POST",
      headers: JSON_TYPE,
      body: JSON.stringify({
        jsonrpc: "2.0",
        id: 0,
        method: "initialize",
        params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "fuzz", version: "1" } },
      }),
    }),
  )
  await response.text()
  return response.headers.get("mcp-session-id") ?? undefined
}

/** Every request that has an id must be answered, and the last one rightly. */
export async function fuzzStdio(seed: number, frames: number): Promise<Fuzzed> {
  const app = await inApp()
  const draw = drawer(seed)
  const told: Fuzzed = { frames, answers: 0, errors: 0, wrong: [] }
  const input = new PassThrough()
  const output = new PassThrough()
  const answered = new Set<unknown>()
  let rest = ""
  let last: ((line: string) => void) | undefined
  output.on("data", (chunk: Buffer) => {
    const lines = (rest + chunk.toString("utf8")).split("\n")
    rest = lines.pop()!
    for (const line of lines) {
      const message = JSON.parse(line) as { readonly id?: unknown; readonly error?: unknown; readonly method?: string }
      if (message.method !== undefined) continue
      told.answers++
      if (message.error !== undefined) told.errors++
      answered.add(message.id)
      if (message.id === "last") last?.(line)
    }
  })
  const { engine } = app
  const done = serveMcpStdio(
    {
      graphs: () => app.served,
      roles: new Map(),
      hosts: [{ engine, grants: GRANTS }],
      clock: systemClock,
      runMsMax: 5_000,
      askMsMax: 1_000,
      slots: new RunSlots(systemClock, { runsMax: 64, waitingMax: 10_000 }),
      key: new Uint8Array(32),
      onDefect: (cause) => app.defects.push(cause),
    },
    {
      input,
      output,
      frameBytesMax: 64 << 10,
      caller: { holder: undefined, places: new Tenant(), within: {}, runs: {}, may: () => true },
      signal: new AbortController().signal,
    },
  )
  const wanted: unknown[] = []
  input.write(
    `${JSON.stringify({ jsonrpc: "2.0", id: "first", method: "initialize", params: { protocolVersion: "2025-11-25", capabilities: {}, clientInfo: { name: "fuzz", version: "1" } } })}\n`,
  )
  for (let i = 0; i < frames; i++) {
    if (draw.next() < 0.01) input.write(`${"x".repeat(200_000)}\n`)
    const { text, id } = frame(draw, i)
    if (id !== undefined && !wanted.includes(id)) wanted.push(id)
    input.write(`${text}\n`)
    if (i % 20 === 0) await new Promise((go) => setImmediate(go))
  }
  const right = new Promise<string>((go) => {
    last = go
  })
  input.write('{"jsonrpc":"2.0","id":"last","method":"tools/call","params":{"name":"double","arguments":{"x":1}}}\n')
  const late = new Promise<string>((go) => setTimeout(() => go("no answer"), 20_000))
  const line = await Promise.race([right, late])
  if (!line.includes('"twice":3')) told.wrong.push(`seed ${seed}: a good call fails afterwards: ${line.slice(0, 300)}`)
  for (const id of wanted) if (!answered.has(id)) told.wrong.push(`seed ${seed}: ${String(id)} was not answered`)
  input.end()
  await done
  await app.close()
  return told
}
