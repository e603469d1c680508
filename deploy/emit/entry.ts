/**
 * The program of a deployment, as text: what a person would write with `shadowgraph/edge`, and nothing that its graphs do not want.
 * It is short, so that whoever looks into a deployment sees what it does.
 */
import { type Packing, pack } from "../edge/packed.ts"
import type { McpRole } from "../mcp/serving.ts"
import { packShadows } from "../shadows/packed.ts"
import { packTriggers } from "../triggers/packed.ts"
import type { Gathered } from "./gather.ts"
import { readsPatterns } from "./lacks.ts"
import { modelsIn } from "./models.ts"
import { codeOfModels, type Part, workerParts } from "./runtimes.ts"
import { type BroughtShadow, KERNEL_FILE } from "./shadows.ts"
import { ASKING, type Interface, type KindCode, type Ledger, type Target, TRAITS } from "./targets.ts"
import { type BroughtTriggers, triggersReadPatterns } from "./triggers.ts"

export interface Program {
  readonly target: Target
  readonly gathered: readonly Gathered[]
  readonly packing: Packing
  readonly ledger: Ledger
  readonly interface: Interface
  /** Of the interface, for its document. */
  readonly version: string
  /** The graphs are tools of MCP as well, or what their project makes of them. */
  readonly mcp?: {
    readonly roles: readonly (readonly [graph: string, role: McpRole])[]
    readonly instructions?: string
  }
  /** What stands in for tools. */
  readonly shadows: readonly BroughtShadow[]
  /** What starts runs by itself. */
  readonly triggers?: BroughtTriggers
  /** Whoever reaches it may run what was granted. */
  readonly open: boolean
  /** Whose pages may ask. */
  readonly origins: readonly string[]
}

/** How the program names a module of functions: a path that only the bundler knows. */
export const CODE = "code:"
/** The metered sandbox: its bytes within the program, or a file beside it that its host makes a module of. */
export const SANDBOX = "sandbox:"
export const SANDBOX_FILE = "sandbox.wasm"

/** Kinds of node that the plans name. */
export const kindsIn = (gathered: readonly Gathered[]): ReadonlySet<string> =>
  new Set(gathered.flatMap(({ plan }) => plan.externs.map((x) => x.kind)))
export const asks = (gathered: readonly Gathered[]): boolean => [...kindsIn(gathered)].some((kind) => ASKING.has(kind))
export const hasScripts = (gathered: readonly Gathered[]): boolean => kindsIn(gathered).has("script")
/** Whether they run models there. */
export const bringsModels = (target: Target, gathered: readonly Gathered[]): boolean =>
  TRAITS[target].providers !== undefined && kindsIn(gathered).has("onnx")

/** Whether what computes shadows is a file of its own: a worker compiles no WebAssembly. */
export const wantsKernelFile = ({ target, shadows }: Program): boolean => target === "workerd" && shadows.length > 0

/** Files beside a worker that it imports. */
export const partsOf = (program: Program): readonly Part[] => {
  const { gathered } = program
  return [
    ...(hasScripts(gathered) ? [{ name: SANDBOX_FILE, form: "wasm" } as const] : []),
    ...(wantsKernelFile(program) ? [{ name: KERNEL_FILE, form: "wasm" } as const] : []),
    ...(bringsModels("workerd", gathered) ? workerParts(modelsIn(gathered)) : []),
  ]
}

const DOORS = [
  "edge",
  "edge/http",
  "edge/mcp",
  "edge/onnx",
  "edge/sandbox",
  "edge/shadows",
  "edge/triggers",
  "server",
] as const
type Door = (typeof DOORS)[number]

export function entryOf(program: Program): string {
  const { target, gathered, packing } = program
  const { server } = TRAITS[target]
  const kinds = kindsOf(program)
  const uses = new Set(kinds.map(({ kind }) => kind))
  const names = Object.fromEntries(DOORS.map((door) => [door, new Set<string>()])) as Names
  names.edge.add("edge").add("unpack")
  for (const { code } of kinds) for (const name of code.names) names[code.door].add(name)
  const modules = [...new Map(gathered.flatMap((g) => g.modules.map((m) => [m.path, m]))).values()]
  const services: string[] = []
  const lend = (door: Door, name: string, text: string) => {
    names[door].add(name)
    services.push(text)
  }
  const fetches = uses.has("http") || uses.has("llm") || uses.has("mcp") || gathered.some(({ models }) => models.remote)
  if (fetches && server) names.server.add("createHttp")
  if (fetches)
    lend(server ? "server" : "edge", server ? "createHttp" : "fetchHttp", `http: ${server ? "web" : "fetchHttp()"}`)
  if (uses.has("mcp")) lend("server", "mcpService", 'mcp: mcpService({ base: ".", http: web })')
  if (uses.has("sql")) lend("server", "sqliteService", 'sqlite: sqliteService(".")')
  const models = bringsModels(target, gathered) ? codeOfModels(target, modelsIn(gathered)) : undefined
  for (const [door, name] of models?.names ?? []) names[door].add(name)
  if (models !== undefined) services.push(`files: ${models.files}`, `onnx: ${models.onnx}`)
  else if (uses.has("read_file") || uses.has("write_file")) lend("server", "fileService", 'files: fileService(".")')
  if (uses.has("script"))
    lend(
      "edge/sandbox",
      "sandboxOn",
      `sandbox: sandboxOn(${MODULE_OF[target] ?? "() => WebAssembly.compile(sandboxBytes)"})`,
    )
  if (target !== "browser") lend("edge", "secretsFrom", "secret: secretsFrom(env)")
  if (modules.length > 0)
    lend(
      "edge",
      "bundled",
      `modules: bundled({ ${modules.map((m, i) => `${JSON.stringify(m.path)}: { sha256: "${m.sha256}", exports: code${i} }`).join(", ")} })`,
    )
  const settings = ["...unpack(PACKED)", `kinds: [${kinds.map(({ code }) => code.code).join(", ")}]`]
  settings.push(`services: { ${services.join(", ")} }`)
  if (program.shadows.length > 0) {
    names["edge/shadows"].add("shadowsFrom")
    const kernel = wantsKernelFile(program) ? "kernel: shadowKernel, " : ""
    settings.push(`shadows: shadowsFrom(SHADOWS, { ${kernel}told: (problem) => console.error(problem.message) })`)
  }
  if (kinds.some(({ kind, code }) => kind === "fn" && code.code === "fn")) {
    names.edge.add("settleEffect")
    settings.push("settle: settleEffect")
  }
  if (server) {
    names.server.add("hostDigest")
    settings.push("digest: hostDigest")
  }
  if (target !== "browser" && !program.open) {
    names[server ? "server" : "edge"].add(server ? "serverTokens" : "tokensFrom")
    settings.push(`tokens: ${server ? "serverTokens" : "tokensFrom"}(env)`)
  }
  // Runs may rest where they are answered.
  if (program.interface === "full" || (target === "browser" && asks(gathered))) settings.push("parks: true")
  const start = TAILS[target](program, settings, names)
  const from = (door: Door) =>
    names[door].size === 0 ? [] : [`import { ${[...names[door]].sort().join(", ")} } from "shadowgraph/${door}"`]
  return [
    `// Written by \`shadowgraph deploy ${target}\`: ${gathered.map(({ plan }) => plan.name).join(", ")}. Written anew by the same command.`,
    ...(start.imports ?? []),
    ...(gathered.some(readsPatterns) || (program.triggers !== undefined && triggersReadPatterns(program.triggers))
      ? ['import "shadowgraph/graph/patterns"']
      : []),
    ...DOORS.flatMap(from),
    ...(uses.has("script") && target !== "browser"
      ? [
          target === "workerd"
            ? `import sandboxModule from "./${SANDBOX_FILE}"`
            : `import sandboxBytes from "${SANDBOX}"`,
        ]
      : []),
    ...(wantsKernelFile(program) ? [`import shadowKernel from "./${KERNEL_FILE}"`] : []),
    ...(models?.imports ?? []),
    ...modules.map((m, i) => `import * as code${i} from ${JSON.stringify(CODE + m.path)}`),
    "",
    "/** Plans, grants, pins, policy and budgets, as `deployment.json` lists them. */",
    `const PACKED = ${JSON.stringify(pack(packing))}`,
    ...(program.shadows.length === 0 ? [] : [packedShadows(program.shadows)]),
    ...(program.triggers === undefined ? [] : [packedTriggers(program.triggers)]),
    ...(fetches && server ? ["const web = createHttp()"] : []),
    ...(models?.lines ?? []),
    ...start.lines,
    "",
  ].join("\n")
}

/** The kinds that the plans name, each with its code. */
function kindsOf({ target, gathered }: Program): readonly { readonly kind: string; readonly code: KindCode }[] {
  const { kinds } = TRAITS[target]
  const named = [...new Set(gathered.flatMap(({ plan }) => plan.externs.map((x) => x.kind)))].sort()
  return named.flatMap((kind) => {
    const code = Object.hasOwn(kinds, kind) ? kinds[kind]! : undefined
    if (code === undefined) return []
    return [{ kind, code: kind === "fn" ? codeOfFunctions(gathered) : code }]
  })
}

/** The library that runs Effects comes along where a function could give one. */
function codeOfFunctions(gathered: readonly Gathered[]): KindCode {
  const effects = gathered.some(({ modules }) => modules.some(({ text }) => /from\s*"effect["/]/.test(text)))
  return effects ? { door: "edge", code: "fn", names: ["fn"] } : { door: "edge", code: "fnWith()", names: ["fnWith"] }
}

/** Where the sandbox's module comes from, as an expression; servers have its bytes in the program. */
const MODULE_OF: { readonly [T in Target]?: string } = {
  workerd: "async () => sandboxModule",
  browser: `async () => WebAssembly.compile(await (await fetch("${SANDBOX_FILE}")).arrayBuffer())`,
}

interface Start {
  readonly imports?: readonly string[]
  readonly lines: readonly string[]
}
type Names = Readonly<Record<Door, Set<string>>>
type Tail = (program: Program, settings: readonly string[], names: Names) => Start

const call = (settings: readonly string[]): string => `edge({\n${settings.map((line) => `  ${line},\n`).join("")}})`

const packedShadows = (shadows: readonly BroughtShadow[]): string =>
  `/** Shadows of tools, as \`deployment.json\` lists them. */\nconst SHADOWS = ${JSON.stringify(packShadows(shadows.map(({ packed }) => packed)))}`

const packedTriggers = ({ schedules, hooks }: BroughtTriggers): string =>
  `/** Schedules and hooks, as \`deployment.json\` lists them. */\nconst TRIGGERS = ${JSON.stringify(packTriggers(schedules, hooks))}`

/** The program's handler, in the form of interface that it has. */
function appOf(
  { interface: form, version, mcp, target, ledger, triggers, origins }: Program,
  settings: readonly string[],
  names: Names,
): string {
  if (form === "small") return call(settings)
  names["edge/http"].add("httpAtEdge")
  const more = [`version: ${JSON.stringify(version)}`]
  // What one request of a worker began, no other may touch.
  if (target !== "workerd") more.push("shared: true")
  if (origins.length > 0) more.push(`origins: ${JSON.stringify(origins)}`)
  if (mcp !== undefined) {
    names["edge/mcp"].add("mcpWay").add("mcpKeyFrom")
    const told = mcp.instructions === undefined ? "" : `, instructions: ${JSON.stringify(mcp.instructions)}`
    // A worker that may be put away between two requests holds no sessions.
    const http = target === "workerd" && ledger === "memory" ? ", http: { sessionsMax: 0 }" : ""
    const roles = `new Map(${JSON.stringify(mcp.roles)})`
    more.push(`ways: (draining) => [mcpWay({ draining, roles: ${roles}${told}${http}, ...mcpKeyFrom(env) })]`)
  }
  if (triggers !== undefined) {
    names.edge.add("secretsFrom")
    names["edge/triggers"].add("triggersFrom")
    more.push("triggers: triggersFrom(TRIGGERS, secretsFrom(env))")
  }
  return `httpAtEdge(${call(settings)}, { ${more.join(", ")} })`
}

/** With the whole interface a program also goes on with runs that rest, and lets those that go on end before it stops. */
const byItself = ({ interface: form }: Program): readonly string[] => (form === "full" ? ["app.wake()"] : [])

const onSignals = (on: (signal: string) => string, stop: string, exit: string): readonly string[] => [
  'for (const signal of ["SIGINT", "SIGTERM"])',
  `  ${on("signal")}, async () => {`,
  "    await app.close()",
  `    await ${stop}`,
  `    ${exit}`,
  "  })",
]

function kept(ledger: Ledger, { edge, server }: Names): readonly string[] {
  if (ledger !== "file") return ["onDefect: (cause) => console.error(cause)"]
  edge.add("SqlLedger")
  server.add("SqliteStorage")
  const file = 'env.SHADOWGRAPH_LEDGER ?? "ledger.db"'
  return [
    `store: () => SqlLedger.open({ storage: new SqliteStorage({ file: ${file} }), digest: hostDigest, holder: { id: crypto.randomUUID(), leaseMs: ${LEASE_MS} } })`,
    "onDefect: (cause) => console.error(cause)",
  ]
}
/** A process that is silent for so long is dead, and its runs are gone on with. */
const LEASE_MS = 15_000

const TAILS: Readonly<Record<Target, Tail>> = {
  // Bun's own server: it starts in a fraction of the time that its `node:http` takes.
  bun: (program, settings, names) => ({
    imports: ['import process from "node:process"'],
    lines: [
      "const { env } = process",
      `const app = ${appOf(program, [...settings, ...kept(program.ledger, names)], names)}`,
      'const address = { hostname: env.HOST ?? "0.0.0.0", port: Number(env.PORT ?? 8787) }',
      "const server = Bun.serve({",
      "  ...address,",
      "  fetch: (request, server) => {",
      "    // How long a run may take before the first byte of its answer is for the program to say.",
      "    server.timeout(request, 0)",
      "    return app.fetch(request)",
      "  },",
      "})",
      ...byItself(program),
      "console.log(server.url.href)",
      ...onSignals((signal) => `process.on(${signal}`, "server.stop()", "process.exit(0)"),
    ],
  }),
  node: (program, settings, names) => {
    names.server.add("listen")
    return {
      imports: ['import process from "node:process"'],
      lines: [
        "const { env } = process",
        `const app = ${appOf(program, [...settings, ...kept(program.ledger, names)], names)}`,
        'const server = await listen(app.fetch, { host: env.HOST ?? "0.0.0.0", port: Number(env.PORT ?? 8787) })',
        ...byItself(program),
        "console.log(server.url)",
        ...onSignals((signal) => `process.on(${signal}`, "server.close(1_000)", "process.exit(0)"),
      ],
    }
  },
  deno: (program, settings, names) => ({
    lines: [
      "const env = Deno.env.toObject()",
      `const app = ${appOf(program, [...settings, ...kept(program.ledger, names)], names)}`,
      "const server = Deno.serve({ port: Number(env.PORT ?? 8787) }, app.fetch)",
      ...byItself(program),
      ...onSignals((signal) => `Deno.addSignalListener(${signal}`, "server.shutdown()", "Deno.exit(0)"),
    ],
  }),
  workerd: (program, settings, names) => {
    const all = [...settings, "onDefect: (cause) => console.error(cause)"]
    if (program.ledger !== "durable")
      return {
        lines: [
          `const start = (env) => ${appOf(program, all, names)}`,
          "let app",
          "export default { fetch: (request, env) => (app ??= start(env)).fetch(request) }",
        ],
      }
    names.edge.add("SqlLedger").add("DurableStorage")
    const store = `store: () => SqlLedger.open({ storage: new DurableStorage(storage), holder: { id: crypto.randomUUID(), leaseMs: ${LEASE_MS} } })`
    const { body } = OBJECT[program.interface]
    // The object has itself woken for each tick, once it was: by the first request, or by a trigger of its worker.
    const ticks = (program.triggers?.schedules ?? []).length > 0
    const object = 'env.GRAPHS.get(env.GRAPHS.idFromName("graphs"))'
    return {
      imports: ['import { DurableObject } from "cloudflare:workers"'],
      lines: [
        `const start = (env, storage) => ${appOf(program, [...all, store], names)}`,
        "",
        "/** The graphs with a ledger that lasts: one object, which writes alone. */",
        "export class Graphs extends DurableObject {",
        "  app = start(this.env, this.ctx.storage)",
        ...body,
        ...(ticks ? ["  tick() {", "    return this.alarm()", "  }"] : []),
        "}",
        `export default { fetch: (request, env) => ${object}.fetch(request)${ticks ? `, scheduled: (_, env) => ${object}.tick()` : ""} }`,
      ],
    }
  },
  browser: ({ gathered }, settings, names) => {
    if (asks(gathered)) names.edge.add("resume").add("wake")
    return {
      imports: ['import { show } from "page:"'],
      lines: [
        `const app = ${call(settings)}`,
        "globalThis.shadowgraph = app",
        asks(gathered) ? "show(app, { resume, wake })" : "show(app)",
      ],
    }
  },
}

/** How the object answers: a run that rests until a time of its own, or whose object was put away, has it woken. */
const OBJECT: Readonly<Record<Interface, { readonly body: readonly string[] }>> = {
  small: { body: ["  fetch(request) {", "    return this.app.fetch(request)", "  }"] },
  full: {
    body: [
      "  async fetch(request) {",
      "    const response = await this.app.fetch(request)",
      "    await this.again()",
      "    return response",
      "  }",
      "  async alarm() {",
      "    await this.app.look()",
      "    await this.again()",
      "  }",
      "  async again() {",
      "    const at = await this.app.next()",
      "    if (at !== undefined) await this.ctx.storage.setAlarm(at)",
      "  }",
    ],
  },
}
