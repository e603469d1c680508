/**
 * What a tool is called, and which one it is, where its calls outlive a run: in the call log, in the list of shadows. The
 * name says what is called and not where in a graph; the version is what the tool was pinned to.
 */
import { type Digest, hashValue, hex, isRecord, type Rec, sha256, type Value } from "../../graph/mod.ts"
import type { Admitted, AdmittedExtern } from "../../kernel/mod.ts"

/** Characters of a hash that a name carries, where there is nothing shorter to call a tool by. */
const SHORT = 12
/** Settings that say what a tool may do, not what it is asked. */
const SAID: ReadonlySet<string> = new Set([
  "effect",
  "resource",
  "needs",
  "async",
  "sinks",
  "secrets",
  "input",
  "output",
])

/** `mcp:files/read_text_file`, `fn:./tools.ts#convert`, `http:GET https://host/path/{}`, `sql:shop#4f1c…`, `script#9ab0…`. */
export function toolName({ kind, config }: { readonly kind: string; readonly config: Rec }): string {
  const short = (value: Value): string => hex(hashValue(value)).slice(0, SHORT)
  const main = kind === "fn" ? config["code"] : config[kind]
  if (kind === "http" && Array.isArray(config["url"]))
    return `http:${String(config["method"])} ${(config["url"] as readonly Value[]).map(String).join("{}")}`
  if (kind === "script" || typeof main !== "string") return `${kind}#${short(config)}`
  if (kind === "sql") return `sql:${main}#${short(config)}`
  return `${kind}:${main}`
}

/**
 * Which one it is: the one hash that it was pinned to (the schemas of a server's tool, the bundle of a module), together
 * with the settings that change what it gives; otherwise the hash of all that is known of it. A function written in place
 * has no bundle: it is another tool in every other graph.
 */
export function toolVersion(
  { claim, signature }: Pick<AdmittedExtern, "claim" | "signature">,
  admitted: Pick<Admitted, "graph">,
  digest: Digest = sha256,
): string {
  const { kind, config } = claim
  const main = kind === "fn" ? "code" : kind
  const pins = Object.values(signature.pins ?? {})
  const [pin] = pins
  // The text of a tool that has nothing else to give is what it gives.
  const plain = (key: string, value: Value) =>
    kind === "mcp" && key === "parse" && value === "text" && isRecord(pin) && pin["output"] === undefined
  const settings = Object.entries(config).filter(([key, value]) => key !== main && !SAID.has(key) && !plain(key, value))
  const hash = pins.length === 1 && isRecord(pin) ? (pin["hash"] ?? pin["sha256"]) : undefined
  if (typeof hash === "string" && settings.length === 0) return hash
  const inline = String(config["code"] ?? "").startsWith("inline:") ? admitted.graph : null
  return hex(hashValue([kind, config, (signature.pins ?? null) as Value, inline], digest))
}

/** Does one of the entries name the tool? `*` at the end of an entry stands for anything: `mcp:files/*`, `*`. */
export const namesTool = (entries: readonly string[], tool: string): boolean =>
  entries.some((entry) => (entry.endsWith("*") ? tool.startsWith(entry.slice(0, -1)) : entry === tool))
