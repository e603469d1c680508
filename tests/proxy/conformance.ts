/**
 * MCP's own conformance suite, with and without the proxy: its server scenarios against a server that passes them all, its
 * client scenarios with a client that goes through the proxy to the suite's own servers. Every check has to come out the same.
 */
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { type Checks, suite } from "../conformance/suite.ts"
import { listening } from "./talk.ts"

const root = join(import.meta.dirname, "..", "..")
const MAIN = join(root, "deploy", "cli", "main.ts")
const SERVER = join(import.meta.dirname, "conformance_server.ts")
const CLIENT = join(import.meta.dirname, "conformance_client.ts")

/** Client scenarios without a login, which a client over standard streams can take part in too. */
const PLAIN = ["initialize", "tools_call", "elicitation-sep1034-client-defaults", "sse-retry"]
/** Those with one, over HTTP. Left out are the extensions, which log in without a person. */
const LOGIN = [
  ..."metadata-default metadata-var1 metadata-var2 metadata-var3 basic-cimd scope-from-www-authenticate".split(" "),
  ..."scope-from-scopes-supported scope-omitted-when-undefined scope-step-up scope-retry-limit".split(" "),
  ..."token-endpoint-auth-basic token-endpoint-auth-post token-endpoint-auth-none pre-registration".split(" "),
  ..."2025-03-26-oauth-metadata-backcompat 2025-03-26-oauth-endpoint-fallback resource-mismatch".split(" "),
  ..."offline-access-scope offline-access-not-supported".split(" "),
].map((name) => `auth/${name}`)

/** Checks that came out otherwise. */
export const changed = (direct: Checks, proxied: Checks): readonly string[] =>
  [...new Set([...direct.keys(), ...proxied.keys()])].flatMap((check) =>
    direct.get(check) === proxied.get(check)
      ? []
      : [`${check}: ${direct.get(check)} direct, ${proxied.get(check)} proxied`],
  )

/** The server scenarios, directly, over HTTP on both sides, and with the server as a process behind HTTP. */
export async function serverChecks(scenario?: string): Promise<{ direct: Checks; http: Checks; stdio: Checks }> {
  const cwd = mkdtempSync(join(tmpdir(), "conformance-"))
  const bun = (...args: string[]) => ({ command: process.execPath, args, cwd })
  const proxy = (...words: string[]) =>
    listening(bun(MAIN, "mcp", "proxy", "--in", cwd, "--listen", "0", ...words), /serving (\S+)/)
  const server = await listening(bun(SERVER, "http"), /listening on port (\d+)/)
  const url = `http://localhost:${server.found[1]}/mcp`
  const [http, stdio] = await Promise.all([proxy("--url", url), proxy("--", process.execPath, SERVER, "stdio")])
  const which = scenario === undefined ? ["--suite", "all"] : ["--scenario", scenario]
  const at = (front: typeof http) => front.found[1]!.replace("127.0.0.1", "localhost")
  try {
    return {
      direct: await suite(cwd, "direct", ["server", "--url", url, ...which]),
      http: await suite(cwd, "http", ["server", "--url", at(http), ...which]),
      stdio: await suite(cwd, "stdio", ["server", "--url", at(stdio), ...which]),
    }
  } finally {
    await Promise.all([http.close(), stdio.close()])
    await server.close()
    rmSync(cwd, { recursive: true, force: true })
  }
}

/** The client scenarios: our client straight to the suite's server, over HTTP through the proxy, and over standard streams. */
export async function clientChecks(
  scenarios: readonly string[] = PLAIN,
): Promise<{ direct: Checks; http: Checks; stdio: Checks }> {
  const cwd = mkdtempSync(join(tmpdir(), "conformance-"))
  const by = (way: string) => clientBy(way, scenarios, cwd)
  try {
    return { direct: await by("direct"), http: await by("http"), stdio: await by("stdio") }
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

/** The client scenarios with a login: straight to the suite's servers, and over HTTP through the proxy. */
export async function loginChecks(scenarios: readonly string[] = LOGIN): Promise<{ direct: Checks; http: Checks }> {
  const cwd = mkdtempSync(join(tmpdir(), "conformance-"))
  try {
    return { direct: await clientBy("direct", scenarios, cwd), http: await clientBy("http", scenarios, cwd) }
  } finally {
    rmSync(cwd, { recursive: true, force: true })
  }
}

async function clientBy(way: string, scenarios: readonly string[], cwd: string): Promise<Checks> {
  const all = new Map<string, string>()
  for (const scenario of scenarios) {
    const command = `${process.execPath} ${CLIENT} ${way} ${cwd}`
    const name = `${way}-${scenario.replace("/", "-")}`
    const checks = await suite(cwd, name, ["client", "--command", command, "--scenario", scenario])
    for (const [check, status] of checks) all.set(check, status)
  }
  return all
}
