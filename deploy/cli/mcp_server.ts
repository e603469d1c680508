/** Which MCP server a command line means: a command behind `--`, or an address with headers. */
import type { Rec } from "../../graph/mod.ts"
import { secretsFrom } from "../services/secrets.ts"
import { type Call, usage } from "./command.ts"

export type Server =
  | { readonly url: URL; readonly headers: readonly string[] }
  | { readonly command: readonly string[] }

export function serverOf(call: Call, command: readonly string[]): Server {
  const url = call.text("url")
  const headers = call.list("header")
  if (url === undefined) {
    if (command.length === 0)
      throw usage(
        "mcp proxy wants a server",
        "shadowgraph mcp proxy -- npx -y <package>",
        "shadowgraph mcp proxy --url https://…",
      )
    if (headers.length > 0) throw usage("--header is for a server at --url")
    return { command }
  }
  if (command.length > 0) throw usage("mcp proxy takes one server: --url, or a command behind --")
  if (!URL.canParse(url) || !/^https?:/.test(url)) throw usage(`--url must be http:// or https://, found "${url}"`)
  return { url: new URL(url), headers: headers.flatMap((h) => headerOf(call, h)) }
}

/** `name=value`, the value a secret where it names one. */
function headerOf(call: Call, text: string): readonly [string, string] {
  const at = text.indexOf("=")
  const [name, value] = [text.slice(0, at), text.slice(at + 1)]
  if (at < 1 || !/^[\w-]+$/.test(name) || /[\r\n]/.test(value))
    throw usage(`--header wants name=value, found "${text}"`)
  const secret = /^secret:([A-Za-z_]\w*)$/.exec(value)?.[1]
  if (secret === undefined) return [name, value]
  const found = secretsFrom(call.terminal.env)(secret)
  if (found === undefined || found === "") throw usage(`The secret ${secret} is not set on this host`)
  return [name, found]
}

/**
 * The server as a graph file would declare it, for whoever calls its tools by itself. A started server gets the environment
 * of this command, each variable as a secret, so that no value of it is written anywhere.
 */
export function declaredAs(call: Call, server: Server, reads: readonly string[]): Rec {
  const more = { reads: [...reads], ...(call.on("trust") ? { trust: true } : {}) }
  if ("url" in server) {
    const named = call
      .list("header")
      .map((text) => [text.slice(0, text.indexOf("=")), text.slice(text.indexOf("=") + 1)])
    return { url: server.url.href, headers: Object.fromEntries(named), ...more }
  }
  const names = Object.entries(call.terminal.env).flatMap(([name, value]) =>
    value !== undefined && value !== "" && /^[A-Z][A-Z0-9_]*$/.test(name) ? [name] : [],
  )
  return { stdio: [...server.command], env: Object.fromEntries(names.map((n) => [n, `secret:${n}`])), ...more }
}
