/**
 * The hosts that graphs are deployed to: what each can run, and what a plan there does without. One table; what is lacking, the
 * program that is written and the help of the command all come from it.
 */

export const TARGETS = ["bun", "deno", "node", "workerd", "browser"] as const
export type Target = (typeof TARGETS)[number]
export const isTarget = (text: string): text is Target => (TARGETS as readonly string[]).includes(text)

/** Where the code of a kind of node comes from: a name of a door. */
export interface KindCode {
  readonly door: "edge" | "server" | "edge/onnx"
  /** The expression that is the kind, and the names that it takes from the door. */
  readonly code: string
  readonly names: readonly string[]
}

const own = (door: KindCode["door"], name: string): KindCode => ({ door, code: name, names: [name] })
/** Kinds that run wherever there is `fetch`. */
const EVERYWHERE: { readonly [kind: string]: KindCode } = {
  http: own("edge", "http"),
  llm: own("edge", "llm"),
  now: own("edge", "now"),
  random: own("edge", "random"),
  sleep: own("edge", "sleep"),
  script: own("edge", "script"),
  ask: own("edge", "ask"),
  event: own("edge", "event"),
  fn: { door: "edge", code: "fnWith(runEffect)", names: ["fnWith"] },
}
/** Kinds whose runs rest until somebody says something. */
export const ASKING: ReadonlySet<string> = new Set(["ask", "event"])
/** Kinds that run on what a deployment brings along: models, and a runtime for them. */
const BROUGHT: { readonly [kind: string]: KindCode } = { onnx: own("edge/onnx", "onnx") }
/** The same on servers, with what npm installs where the program is started. */
const INSTALLED: { readonly [kind: string]: KindCode } = { onnx: own("server", "onnx") }
/** Kinds that want files, processes or connections that last. */
const OF_SERVERS: { readonly [kind: string]: KindCode } = {
  sql: own("server", "sql"),
  read_file: own("server", "readFile"),
  write_file: own("server", "writeFile"),
  mcp: own("server", "mcp"),
}

export interface Traits {
  readonly kinds: { readonly [kind: string]: KindCode }
  /** How it is called in sentences. */
  readonly title: string
  /** Has sockets and files, and its programs are processes. */
  readonly server: boolean
  /** Reaches this machine and the networks around it. */
  readonly privateNetwork: boolean
  /** Everybody who opens it reads all that is in it. */
  readonly open: boolean
  /** How a secret gets there; none where there is no place for one. */
  readonly secret?: (name: string) => string
  /** What models run on there, the first first; none where a deployment has nothing that runs them. */
  readonly providers?: readonly string[]
  /** The most that a program may have there, in bytes, and who says so. */
  readonly size?: { readonly bytesMax: number; readonly who: string }
  /** Ledgers that it can keep, the default first. */
  readonly ledgers: readonly Ledger[]
}

export type Ledger = "file" | "memory" | "durable"
/** How much of the interface it has: runs that are begun and waited for, or all that `shadowgraph serve` has. A page has none. */
export const INTERFACES = ["small", "full"] as const
export type Interface = (typeof INTERFACES)[number]

const server = (title: string, more: Partial<Traits> = {}): Traits => ({
  kinds: { ...EVERYWHERE, ...OF_SERVERS },
  title,
  server: true,
  privateNetwork: true,
  open: false,
  secret: (name) => `set the environment variable ${name}`,
  ledgers: ["file", "memory"],
  ...more,
})

const MODELS: Partial<Traits> = {
  kinds: { ...EVERYWHERE, ...OF_SERVERS, ...INSTALLED },
  providers: ["cuda", "webgpu", "cpu", "wasm"],
}

const MIB = 1 << 20

export const TRAITS: Readonly<Record<Target, Traits>> = {
  bun: server("Bun", MODELS),
  node: server("Node", MODELS),
  // The disk of Deno Deploy is gone with its instance.
  deno: server("Deno", { ledgers: ["memory", "file"] }),
  workerd: {
    kinds: { ...EVERYWHERE, ...BROUGHT },
    providers: ["wasm"],
    title: "a Cloudflare worker",
    server: false,
    privateNetwork: false,
    open: false,
    secret: (name) => `npx wrangler secret put ${name}`,
    size: { bytesMax: 64 * MIB, who: "Cloudflare" },
    ledgers: ["memory", "durable"],
  },
  browser: {
    kinds: { ...EVERYWHERE, ...BROUGHT },
    providers: ["webgpu", "wasm"],
    title: "a page in a browser",
    server: false,
    privateNetwork: true,
    open: true,
    ledgers: ["memory"],
  },
}
