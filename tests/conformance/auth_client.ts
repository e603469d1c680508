/**
 * Our client in the suite's scenarios of logging in: a graph with one `mcp:` node on the server that the suite started, logged in
 * to, pinned and run by the real command. The suite's authorization page says yes at once, so that following it stands for the
 * person; who is told to log in again, for more, does so once. `bun auth_client.ts <folder> <url>`.
 */
import { spawn } from "node:child_process"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"

const [folder = ".", url = ""] = process.argv.slice(2)
const MAIN = join(import.meta.dirname, "..", "..", "deploy", "cli", "main.ts")
/** A client that is known by a document; nobody fetches it here. */
const CLIENT_DOCUMENT = "https://conformance-test.local/client-metadata.json"

/** What the suite tells a client that is known already. */
interface Context {
  readonly client_id?: string
  readonly client_secret?: string
  readonly private_key_pem?: string
  readonly signing_algorithm?: string
}
const scenario = process.env["MCP_CONFORMANCE_SCENARIO"] ?? ""
const context = JSON.parse(process.env["MCP_CONFORMANCE_CONTEXT"] ?? "{}") as Context
const env = {
  ...process.env,
  CLIENT_SECRET: context.client_secret ?? "",
  CLIENT_KEY: context.private_key_pem ?? "",
}
const machine = scenario.startsWith("auth/client-credentials-")

/** The authorization server, as the author of a file reads it in the server's description. */
async function issuerOf(): Promise<string> {
  const at = new URL("/.well-known/oauth-protected-resource/mcp", url)
  const { authorization_servers } = (await (await fetch(at)).json()) as { readonly authorization_servers: string[] }
  return authorization_servers[0]!
}

async function authOf(): Promise<object | string> {
  const { client_id: id, private_key_pem: key, signing_algorithm: algorithm } = context
  if (scenario === "auth/basic-cimd") return { oauth: "login", metadata: CLIENT_DOCUMENT }
  if (id === undefined) return "oauth"
  if (!machine) return { oauth: "login", id, secret: "secret:CLIENT_SECRET" }
  const who = { oauth: "client_credentials", id, issuer: await issuerOf() }
  return key === undefined
    ? { ...who, secret: "secret:CLIENT_SECRET" }
    : { ...who, key: "secret:CLIENT_KEY", algorithm }
}

interface Done {
  readonly exit: number
  readonly said: string
}

/** Runs the command; `onLine` hears each line of its output. */
function shadowgraph(words: readonly string[], onLine: (line: string) => void = () => undefined): Promise<Done> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [MAIN, ...words], { cwd: own, env, stdio: ["ignore", "pipe", "pipe"] })
    let said = ""
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      said += text
      process.stderr.write(text)
    })
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      process.stdout.write(text)
      for (const line of text.split("\n")) onLine(line)
    })
    child.once("close", (exit) => resolve({ exit: exit ?? 1, said }))
  })
}

const logIn = (...more: readonly string[]): Promise<Done> =>
  shadowgraph(["mcp", "login", "suite", "--yes", "-g", "net:private", "--timeout", "10s", ...more], (line) => {
    // The page's last redirect brings the answer back to the command.
    if (line.startsWith("http")) void fetch(line)
  })

/** Does it; where it fails for want of a scope, once more after the login that the failure names. */
async function withScope(words: readonly string[]): Promise<Done> {
  const done = await shadowgraph(words)
  const [, scope] = /mcp login suite --scope ('[^']+'|[^\s`]+)/.exec(done.said) ?? []
  if (done.exit === 0 || scope === undefined) return done
  const again = await logIn("--scope", scope.replaceAll("'", ""))
  return again.exit === 0 ? shadowgraph(words) : again
}

const own = mkdtempSync(join(folder, "client-"))
const graph = {
  graph: "call",
  servers: { suite: { url, reads: ["test-tool"], auth: await authOf() } },
  nodes: { said: { mcp: "suite/test-tool", parse: "text" } },
  output: "said",
}
writeFileSync(join(own, "call.graph.json"), JSON.stringify(graph))
const steps = [
  ...(machine ? [] : [() => logIn()]),
  () => withScope(["lock"]),
  () => withScope(["run", "call", "--yes", "-g", "net:private", "--ledger", "memory"]),
]
let exit = 0
for (const step of steps) if (exit === 0) ({ exit } = await step())
rmSync(own, { recursive: true, force: true })
process.exit(exit)
