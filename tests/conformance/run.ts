/** The suite against our server, against the reference server, and with our client: each as real processes. */
import { cpSync, mkdtempSync, rmSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { listening } from "../proxy/talk.ts"
import type { ClientScenario } from "./scenarios.ts"
import { type Checks, suite } from "./suite.ts"

const root = join(import.meta.dirname, "..", "..")
const MAIN = join(root, "deploy", "cli", "main.ts")
const REFERENCE = join(root, "node_modules/@modelcontextprotocol/server-everything/dist/index.js")
const CLIENT = join(import.meta.dirname, "client.ts")
const AUTH_CLIENT = join(import.meta.dirname, "auth_client.ts")

/** Works in a folder of its own. */
async function within<T>(work: (cwd: string) => Promise<T>): Promise<T> {
  const cwd = mkdtempSync(join(tmpdir(), "conformance-"))
  try {
    return await work(cwd)
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

const which = (scenario: string | undefined) => (scenario === undefined ? ["--suite", "all"] : ["--scenario", scenario])

/** The graphs of this folder, served by the real command over HTTP. */
export const ourServer = (scenario?: string): Promise<Checks> =>
  within(async (cwd) => {
    cpSync(join(import.meta.dirname, "graphs"), cwd, { recursive: true })
    const server = await listening(
      { command: process.execPath, args: [MAIN, "serve", "--port", "0"], cwd },
      /MCP\s+(http:\S+)\/mcp/,
    )
    const url = `${server.found[1]!.replace("127.0.0.1", "localhost")}/mcp`
    try {
      return await suite(cwd, "ours", ["server", "--url", url, ...which(scenario)])
    } finally {
      await server.close()
    }
  })

/** The server that the protocol's own people publish to show every feature. */
export const referenceServer = (scenario?: string): Promise<Checks> =>
  within(async (cwd) => {
    const port = await freePort()
    const server = await listening(
      { command: process.execPath, args: [REFERENCE, "streamableHttp"], cwd },
      /listening on port (\d+)/,
      { PORT: String(port) },
    )
    try {
      const url = `http://localhost:${server.found[1]}/mcp`
      return await suite(cwd, "reference", ["server", "--url", url, ...which(scenario)])
    } finally {
      await server.close()
    }
  })

/** Our client node in these scenarios. */
export const ourClient = (scenarios: readonly ClientScenario[]): Promise<Checks> =>
  within(async (cwd) => {
    const all = new Map<string, string>()
    for (const { name, call } of scenarios) {
      const words = call === undefined ? [AUTH_CLIENT] : [CLIENT, call.tool, inWords(call.with)]
      const command = [process.execPath, ...words, cwd].join(" ")
      const checks = await suite(cwd, name, ["client", "--command", command, "--scenario", name])
      for (const [check, status] of checks) all.set(check, status)
    }
    return all
  })

const inWords = (args: object): string => Buffer.from(JSON.stringify(args)).toString("base64url")

const freePort = (): Promise<number> =>
  new Promise((resolve, reject) => {
    const server = createServer()
    server.once("error", reject)
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => resolve(port))
    })
  })
