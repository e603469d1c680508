/**
 * What node adapters may ask of a host: time, chance, disk, network, processes, people. Declared here as interfaces so
 * that adapters never name a platform; `deploy` supplies them, tests supply seeded ones. A service that is not there
 * is a capability that the host lacks, and using it is a typed failure.
 */
import type { Call } from "./node.ts"
import type { Shadows } from "./shadows.ts"
import type { DType } from "./type.ts"
import type { Tensor, Value } from "./value.ts"

/** What is given at once, or later: whoever hands it over decides, and whoever takes it awaits. */
export type Awaitable<A> = A | Promise<A>

export interface Clock {
  /** Milliseconds since the epoch. */
  readonly now: () => number
  /** Monotonic milliseconds, for durations. */
  readonly tick: () => number
  readonly sleep: (ms: number, signal?: AbortSignal) => Promise<void>
}

export interface Chance {
  /** Uniform in [0, 1). */
  readonly next: () => number
  readonly bytes: (n: number) => Uint8Array
}

export interface HttpRequest {
  readonly method: string
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body?: Uint8Array
  /** A larger body is cut off with the failure `TooLarge`. */
  readonly bytesMax: number
  readonly signal: AbortSignal
  /** Does no harm to be sent twice, as a read: it may use a kept connection, and go again where that turns out to be dead. */
  readonly repeatable?: boolean
  /** Redirects to follow, each checked like a first request. */
  readonly redirectsMax: number
  /** May the request go to this host (of a redirect)? A host is a name or address with its port where that is not the scheme's own. */
  readonly allowHost: (host: string) => boolean
  /** May it reach this host at a loopback, private or link-local address? Comes from a granted capability; asked at every hop. */
  readonly privateAddresses: (host: string) => boolean
}
export interface HttpResponse {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** With `stream: true` on the request call, chunks as they arrive; `body` is then empty. */
  readonly chunks?: AsyncIterable<Uint8Array>
}
export interface Http {
  readonly request: (request: HttpRequest, options?: { readonly stream?: boolean }) => Promise<HttpResponse>
}

export interface SqlDatabase {
  readonly all: (
    sql: string,
    params: readonly Value[] | { readonly [name: string]: Value },
  ) => readonly { readonly [column: string]: Value }[]
  /** Rows changed and the last row id of a statement that returns no rows. */
  readonly run: (
    sql: string,
    params: readonly Value[] | { readonly [name: string]: Value },
  ) => { readonly changes: number; readonly lastRowId: number }
  readonly close: () => void
}
export interface Sqlite {
  /** `file` is a path of the host or `:memory:`. A read-only connection cannot write whatever the statement says. */
  readonly open: (
    file: string,
    options: { readonly readOnly: boolean; readonly busyMs: number },
  ) => Promise<SqlDatabase>
}

/** A connected MCP server. Shapes are the protocol's own (2025-11-25 and later). */
export interface McpConnection {
  /** False once the server has gone (its process ended, the session was closed): connect again. */
  readonly alive: () => boolean
  readonly tools: () => Promise<
    readonly {
      readonly name: string
      readonly description?: string
      readonly inputSchema: unknown
      readonly outputSchema?: unknown
      readonly annotations?: { readonly readOnlyHint?: boolean }
    }[]
  >
  readonly call: (
    tool: string,
    args: unknown,
    options: {
      readonly signal: AbortSignal
      readonly onProgress?: (text: string) => void
      /** W3C: sent along in the request's `_meta`. */
      readonly traceparent?: string | undefined
      /** As of an `HttpRequest`: the tool only reads. */
      readonly repeatable?: boolean
    },
  ) => Promise<{
    readonly content: readonly unknown[]
    readonly structuredContent?: unknown
    readonly isError?: boolean
  }>
  readonly close: () => Promise<void>
}
export interface Mcp {
  /** `server` says how to reach it: `stdio` and `env`, or `url` and `headers`, with secrets put in. `granted` is the plan's. */
  readonly connect: (
    server: { readonly [key: string]: Value },
    signal: AbortSignal,
    granted: Services["granted"],
  ) => Promise<McpConnection>
}

export interface Modules {
  /** SHA-256, in hexadecimal, of the bundle of a local module: all the code that it runs, packages left out. */
  readonly hash: (module: string) => Promise<string>
  /**
   * Loads an export of a local module after its bundle's hash was compared with the pinned one. `again`: for a run that
   * began before; then a bundle of that hash that was kept will do.
   */
  readonly load: (module: string, name: string, sha256: string | undefined, again?: boolean) => Promise<unknown>
}

/** Text and bytes of files below a root. A path that leaves the root, by `..` or by a symbolic link, is refused. */
export interface Files {
  /** `root` and `path` are relative to the graph file's folder, or absolute; `path` lies in `root`. */
  readonly read: (path: string, options: { readonly root: string; readonly bytesMax: number }) => Promise<Uint8Array>
  /** Replaces the file in one step: a reader sees the old bytes or the new ones. Folders on the way are made. */
  readonly write: (path: string, bytes: Uint8Array, options: { readonly root: string }) => Promise<void>
}

/**
 * Bounds of a program in a sandbox, whole numbers above 0. Fuel is counted by the sandbox, not by a clock: the same program
 * and input end at the same place on every host. Every one that is not stated has the sandbox's default.
 */
export interface SandboxLimits {
  /** For each call. A unit is about one instruction of the interpreter: a million take some 10 ms. */
  readonly fuel: number
  /** For reading the program and running what it does outside of its function. */
  readonly loadFuel: number
  /** Heap of the program, in which the language's own objects take about 130 kB. */
  readonly memoryBytes: number
  /** The program's text, in UTF-8. */
  readonly sourceBytes: number
  /** Input and answer of a call, in the text that they cross as. */
  readonly inputBytes: number
  readonly outputBytes: number
  /** Levels that an answer may be nested. */
  readonly depth: number
  /** A wall-clock bound on a load or a call, far above what its fuel takes: a second wall, the only one that differs between hosts. */
  readonly timeMs: number
}

/**
 * Why a program gave no answer. `fuel`, `memory`, `stack`, `time`, `input`, `output`, `depth`: a bound was met; which, is in the message.
 * `source`: the program cannot be read. `threw`: it threw, or promised and failed. `pending`: it promised an answer that never comes.
 * `not-a-value`: its answer is none. `trap`: the engine itself gave up.
 */
export type SandboxStop =
  | "source"
  | "fuel"
  | "time"
  | "memory"
  | "stack"
  | "input"
  | "output"
  | "depth"
  | "threw"
  | "pending"
  | "not-a-value"
  | "trap"
export interface SandboxRefusal {
  readonly ok: false
  readonly why: SandboxStop
  /** May quote the program: untrusted text, at most some hundred characters. */
  readonly message: string
  readonly fuel: number
}
export type SandboxAnswer = { readonly ok: true; readonly value: Value; readonly fuel: number } | SandboxRefusal

export interface SandboxProgram {
  /** Synchronous. Every call begins from the same state: nothing that a call leaves behind is seen by another. Never throws. */
  readonly call: (input: Value) => SandboxAnswer
  readonly close: () => void
}
/**
 * Runs code that nobody trusts: a JavaScript module whose default export is a function from a value to a value. It has the
 * language and nothing else: no clock, no chance, no network, no files, no imports, no code from text.
 */
export interface Sandbox {
  /** Fails with a `Failure` only where the sandbox itself cannot start; what is wrong with a program is an answer. */
  readonly load: (
    source: string,
    limits?: Partial<SandboxLimits>,
  ) => Promise<{ readonly ok: true; readonly program: SandboxProgram; readonly fuel: number } | SandboxRefusal>
}

/** Where models can be run on a host: an execution provider of one of its ONNX runtimes. */
export interface OnnxProvider {
  /** `cuda`, `webgpu`, `cpu`, `wasm` and so on. */
  readonly name: string
  /** The program that runs it, with its version. */
  readonly runtime: string
  /** Why it cannot be used here. Absent where a small model ran on it and gave what was to be expected. */
  readonly lacks?: string
}
/** A model that is loaded on one provider, and has been run once. */
export interface OnnxSession {
  /** What of the model the provider leaves to another, in words: operators that it does not have. */
  readonly aside?: string
  /** One answer to one question. Fails with whatever the runtime throws: no `Failure`. */
  readonly run: (inputs: { readonly [name: string]: Tensor }) => Promise<{ readonly [name: string]: Tensor }>
  /** Gives the memory back. The next `open` loads the model anew. */
  readonly close: () => Promise<void>
}
/** What goes into a model or comes out of it, by name; `null` for what is known only when it runs. */
export interface OnnxPorts {
  readonly [name: string]: { readonly dtype: DType; readonly shape: readonly (number | null)[] | null }
}
export interface OnnxModel {
  /** SHA-256 of the bytes, in hexadecimal. */
  readonly sha256: string
  readonly bytes: Uint8Array
  /** What goes in, for the first run. */
  readonly inputs: OnnxPorts
}
/** What a model file says of itself. */
export interface OnnxAbout {
  readonly inputs: OnnxPorts
  readonly outputs: OnnxPorts
  /** Version of the standard operators that it was written for. */
  readonly opset: number
}
export interface Onnx {
  /** What this host can run models on, in the order in which it is to be tried. Found out once. */
  readonly providers: () => Promise<readonly OnnxProvider[]>
  /** Sessions are shared: a model that is open on the provider is not loaded again. Fails with what the runtime throws. */
  readonly open: (model: OnnxModel, provider: string) => Promise<OnnxSession>
  readonly sha256: (bytes: Uint8Array) => string
  /** Reads a file that nobody trusts. Fails with the `Failure` `BadModel`, data `reason` and `place`. */
  readonly about: (bytes: Uint8Array) => Promise<OnnxAbout>
  /** A model file that was kept under its hash; undefined where none was, or where it is no longer what it was. */
  readonly kept: (sha256: string) => Promise<Uint8Array | undefined>
  readonly keep: (sha256: string, bytes: Uint8Array) => Promise<void>
}

export interface Question {
  readonly path: string
  readonly text: string
  /** Words to choose from, or free text. */
  readonly choices?: readonly string[]
  readonly signal: AbortSignal
}
/** `exactly`: only a grant of this very text counts, none that covers it (private addresses are asked for so). */
export type GrantedHow = "by any grant" | "exactly"
export interface Services {
  readonly clock: Clock
  readonly chance: Chance
  readonly http?: Http
  readonly sqlite?: Sqlite
  readonly mcp?: Mcp
  readonly modules?: Modules
  /** Asks a person. */
  readonly ask?: (question: Question) => Promise<string>
  /** The value of a secret, or undefined. Never logged, hashed or stored. */
  readonly secret?: (name: string) => string | undefined
  readonly files?: Files
  readonly sandbox?: Sandbox
  readonly onnx?: Onnx
  readonly shadows?: Shadows
  /** A closure that the TypeScript builder put beside the graph, by `config.code` (`inline:<id>`). */
  readonly inline?: (code: string) => ((input: Value, call: Call) => unknown) | undefined
  /** Which capabilities this run has: `net:private` and the like decide how a service behaves. */
  readonly granted: (capability: string, how?: GrantedHow) => boolean
}
