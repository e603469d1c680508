/**
 * Is a server behind the proxy the same server? The same drawn requests go to it directly and through the proxy, one pair
 * after the other, and all that comes back is compared byte for byte: answers, and what the server says in between.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { drawOf } from "../../learn/mod.ts"
import { EVERYTHING, everything, filesIn, type Subject } from "./requests.ts"
import { type Command, HttpTalk, listening, StdioTalk, type Talk } from "./talk.ts"

const root = join(import.meta.dirname, "..", "..")
const MAIN = join(root, "deploy", "cli", "main.ts")

/** Client and server, each over standard streams or HTTP. */
export type Way = "stdio-stdio" | "stdio-http" | "http-stdio" | "http-http"

export interface Found {
  readonly way: Way
  readonly server: string
  readonly requests: number
  /** Calls of tools among them. */
  readonly calls: number
  /** Messages of the server that were compared. */
  readonly messages: number
  readonly differences: readonly string[]
  /** Median milliseconds of a request, directly and through the proxy. */
  readonly ms: { readonly direct: number; readonly proxied: number }
  /** What the proxy said at its end. */
  readonly said: string
}

const proxyCommand = (cwd: string, words: readonly string[]): Command => {
  return { command: process.execPath, args: [MAIN, "mcp", "proxy", "--in", cwd, ...words], cwd }
}
const server = (cwd: string, args: readonly string[]): Command => ({ command: "node", args, cwd })

interface Pair {
  readonly direct: Talk
  readonly proxied: Talk
  readonly close: () => Promise<string>
}

async function pairOf(way: Way, subject: Subject, cwd: string): Promise<Pair> {
  const stdio = server(cwd, subject.args)
  if (way === "stdio-stdio") {
    const proxied = new StdioTalk(proxyCommand(cwd, ["--", stdio.command, ...stdio.args]))
    return pair(new StdioTalk(stdio), proxied, [], () => proxied.err)
  }
  if (way === "http-stdio") {
    const front = await listening(
      proxyCommand(cwd, ["--listen", "0", "--", stdio.command, ...stdio.args]),
      /serving (\S+)/,
    )
    return pair(new StdioTalk(stdio), new HttpTalk(front.found[1]!), [front], front.said)
  }
  const port = await freePort()
  const back = await listening(server(cwd, [EVERYTHING, "streamableHttp"]), /listening on port/, { PORT: String(port) })
  const url = `http://127.0.0.1:${port}/mcp`
  if (way === "stdio-http") {
    const proxied = new StdioTalk(proxyCommand(cwd, ["--url", url]))
    return pair(new HttpTalk(url), proxied, [back], () => proxied.err)
  }
  const front = await listening(proxyCommand(cwd, ["--url", url, "--listen", "0"]), /serving (\S+)/)
  return pair(new HttpTalk(url), new HttpTalk(front.found[1]!), [front, back], front.said)
}

/** `running` is closed after both have left, in this order; then the proxy has said all that it says. */
function pair(
  direct: Talk,
  proxied: Talk,
  running: readonly { readonly close: () => Promise<void> }[],
  said: () => string,
): Pair {
  const close = async () => {
    await Promise.all([direct.close(), proxied.close()])
    for (const process of running) await process.close()
    return said()
  }
  return { direct, proxied, close }
}

async function freePort(): Promise<number> {
  const { createServer } = await import("node:net")
  const probe = createServer()
  await new Promise<void>((ready) => probe.listen(0, "127.0.0.1", ready))
  const { port } = probe.address() as { port: number }
  await new Promise<void>((done) => probe.close(() => done()))
  return port
}

const INITIALIZE = `{"jsonrpc":"2.0","id":"init","method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{"sampling":{},"elicitation":{},"roots":{}},"clientInfo":{"name":"compare","version":"1"}}}`
const INITIALIZED = '{"jsonrpc":"2.0","method":"notifications/initialized"}'
/** Differences that are shown; all count. */
const SHOWN = 5
const SETTLE_MS = 200

const SETTLES_MAX = 40

/** What both said by themselves, once both are quiet and one has said as much as the other. */
async function settled(direct: Talk, proxied: Talk): Promise<readonly [string, string]> {
  const came: [string[], string[]] = [[], []]
  for (let i = 0; i < SETTLES_MAX; i++) {
    const [a, b] = await Promise.all([direct.settle(SETTLE_MS), proxied.settle(SETTLE_MS)])
    came[0].push(...a)
    came[1].push(...b)
    if (i > 0 && a.length + b.length === 0 && came[0].length === came[1].length) break
  }
  return [came[0].join("\n"), came[1].join("\n")]
}

/** Holds so many requests of a seed against one server, over one way. */
export async function compare(
  way: Way,
  what: "filesystem" | "everything",
  requests: number,
  seed: number,
): Promise<Found> {
  const cwd = mkdtempSync(join(tmpdir(), "shadowgraph-proxy-"))
  const subject = what === "filesystem" ? filesIn(join(cwd, "files")) : everything
  const { direct: plain, proxied: behind, close } = await pairOf(way, subject, cwd)
  const draw = drawOf(`proxy ${way} ${what} ${seed}`)
  const differences: string[] = []
  const took = { direct: [] as number[], proxied: [] as number[] }
  let calls = 0
  let messages = 0
  let said = ""
  const both = async (text: string, id: unknown): Promise<void> => {
    const from = performance.now()
    const direct = await plain.ask(text, id)
    const between = performance.now()
    const proxied = await behind.ask(text, id)
    took.direct.push(between - from)
    took.proxied.push(performance.now() - between)
    messages += direct.length
    const same = direct.length === proxied.length && direct.every((line, i) => line === proxied[i])
    if (!same)
      differences.push(
        `${text.slice(0, 300)}\n  direct:  ${direct.join("\n           ").slice(0, 600)}\n  proxied: ${proxied.join("\n           ").slice(0, 600)}`,
      )
  }
  try {
    await both(INITIALIZE, "init")
    for (const talk of [plain, behind]) await talk.tell(INITIALIZED)
    // What the server says to that, and asks, it says by itself.
    const [direct, proxied] = await settled(plain, behind)
    if (direct !== proxied) differences.push(`by itself\n  direct:  ${direct}\n  proxied: ${proxied}`)
    await both('{"jsonrpc":"2.0","id":"tools","method":"tools/list","params":{}}', "tools")
    for (let i = 0; i < requests; i++) {
      const { method, params } = subject.draw(draw)
      const id = draw.below(3) === 0 ? `r${i}` : i
      if (method === "tools/call") calls++
      await both(
        `{"jsonrpc":"2.0","id":${JSON.stringify(id)},"method":${JSON.stringify(method)},"params":${params}}`,
        id,
      )
    }
  } finally {
    said = await close()
    rmSync(cwd, { recursive: true, force: true })
  }
  const median = (all: number[]) => all.sort((a, b) => a - b)[all.length >> 1]!
  const ms = { direct: median(took.direct), proxied: median(took.proxied) }
  return { way, server: what, requests, calls, messages, differences: shown(differences), ms, said }
}

const shown = (all: readonly string[]): readonly string[] =>
  all.map((text, i) => (i < SHOWN ? text : text.slice(0, 120)))
