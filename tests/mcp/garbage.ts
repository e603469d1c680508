/**
 * What a client should not send, drawn from a seed: frames that are no JSON, JSON that is no message, messages of methods that
 * there are not, wrong parameters, ids of every kind, envelopes that lie. A server answers what asks, with an error of the
 * protocol, and goes on.
 */

export const drawer = (seed: number) => {
  let state = seed >>> 0 || 1
  const next = (): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state / 2 ** 32
  }
  const one = <T>(all: readonly T[]): T => all[Math.floor(next() * all.length)]!
  return { next, one, below: (n: number) => Math.floor(next() * n) }
}
type Draw = ReturnType<typeof drawer>

const METHODS = [
  "tools/call",
  "tools/list",
  "resources/read",
  "resources/list",
  "resources/subscribe",
  "resources/unsubscribe",
  "prompts/get",
  "completion/complete",
  "logging/setLevel",
  "ping",
  "initialize",
  "server/discover",
  "subscriptions/listen",
  "notifications/cancelled",
  "notifications/initialized",
  "notifications/progress",
  "no/such",
  "__proto__",
  "constructor",
  "",
]
const ATOMS: readonly unknown[] = [
  null,
  true,
  0,
  -1,
  1e308,
  "",
  "double",
  "\u0000",
  "\ud800",
  "shadowgraph://runs/..%2f..",
  "shadowgraph://runs/01ABC/output",
  "javascript:alert(1)",
  "é".repeat(300),
  [],
  {},
  { __proto__: null, constructor: 1 },
]

function value(draw: Draw, depth = 0): unknown {
  const kind = draw.next()
  if (depth > 3 || kind < 0.6) return structuredClone(draw.one(ATOMS))
  if (kind < 0.75) return Array.from({ length: draw.below(4) }, () => value(draw, depth + 1))
  const keys = [
    "name",
    "arguments",
    "uri",
    "x",
    "_meta",
    "progressToken",
    "requestId",
    "cursor",
    "level",
    "ref",
    "argument",
  ]
  return Object.fromEntries(Array.from({ length: draw.below(5) }, () => [draw.one(keys), value(draw, depth + 1)]))
}

const META = {
  "io.modelcontextprotocol/protocolVersion": "2026-07-28",
  "io.modelcontextprotocol/clientInfo": { name: "fuzz", version: "1" },
  "io.modelcontextprotocol/clientCapabilities": {},
}

/** Right parameters of a method, of which one thing is then made wrong. */
const RIGHT: { readonly [method: string]: object } = {
  "tools/call": { name: "double", arguments: { x: 1 } },
  "resources/read": { uri: "shadowgraph://runs/01NONE" },
  "resources/subscribe": { uri: "shadowgraph://runs/01NONE" },
  "prompts/get": { name: "none", arguments: {} },
  "completion/complete": { ref: { type: "ref/prompt", name: "p" }, argument: { name: "a", value: "" } },
  "logging/setLevel": { level: "info" },
  "notifications/cancelled": { requestId: 1, reason: "no" },
}

function params(draw: Draw, method: string): unknown {
  const right = RIGHT[method]
  const drawn = draw.next()
  const base: unknown = right !== undefined && drawn < 0.6 ? { ...right } : drawn < 0.9 ? value(draw) : undefined
  if (typeof base !== "object" || base === null || Array.isArray(base)) return base
  const out = base as Record<string, unknown>
  const keys = Object.keys(out)
  if (keys.length > 0 && draw.next() < 0.5) out[draw.one(keys)] = value(draw)
  if (draw.next() < 0.3)
    out["_meta"] = draw.next() < 0.5 ? META : { ...META, [draw.one(Object.keys(META))]: value(draw) }
  return out
}

export interface Frame {
  readonly text: string
  /** Must it be answered: is it a request, with an id that can be answered to? */
  readonly id: string | number | undefined
}

/** A frame: mostly nearly right, sometimes nothing at all. */
export function frame(draw: Draw, i: number): Frame {
  const kind = draw.next()
  if (kind < 0.12)
    return {
      text: draw.one(["", " ", "{", "nul", "[", '{"jsonrpc"', "\u0001\u0002", "<html>", "GET / HTTP/1.1"]),
      id: undefined,
    }
  if (kind < 0.2) return { text: JSON.stringify(value(draw)), id: undefined }
  const method = draw.one(METHODS)
  const id = draw.next() < 0.8 ? `f${i}` : draw.one([null, 1.5, {}, [], true, i, -i, ""])
  const isNotification = method.startsWith("notifications/") || draw.next() < 0.1
  const text = JSON.stringify({
    jsonrpc: draw.next() < 0.95 ? "2.0" : draw.one(["1.0", 2, null]),
    ...(isNotification ? {} : { id }),
    ...(draw.next() < 0.97 ? { method } : { result: value(draw) }),
    params: params(draw, method),
  })
  const right = text.includes('"jsonrpc":"2.0"') && text.includes('"method"')
  return {
    text,
    id:
      right && !isNotification && (typeof id === "string" || Number.isInteger(id))
        ? (id as string | number)
        : undefined,
  }
}
