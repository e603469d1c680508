/**
 * The program of a deployment, as text: what a person would write with `shadowgraph/edge`, and nothing that its graphs do not want.
 * It is short, so that whoever looks into a deployment sees what it does.
 */
import { type Packing, pack } from "../edge/packed.ts"
import type { Gathered } from "./gather.ts"
import { readsPatterns } from "./lacks.ts"
import { type KindCode, type Target, TRAITS } from "./targets.ts"

export interface Program {
  readonly target: Target
  readonly gathered: readonly Gathered[]
  readonly packing: Packing
  readonly ledger: "file" | "memory" | "durable"
  /** Whoever reaches it may run what was granted. */
  readonly open: boolean
}

/** How the program names a module of functions: a path that only the bundler knows. */
export const CODE = "code:"

export function entryOf(program: Program): string {
  const { target, gathered, packing } = program
  const { server } = TRAITS[target]
  const kinds = kindsOf(program)
  const uses = new Set(kinds.map(({ kind }) => kind))
  const names = { edge: new Set(["edge", "unpack"]), server: new Set<string>() }
  for (const { code } of kinds) for (const name of code.names) names[code.door].add(name)
  const modules = [...new Map(gathered.flatMap((g) => g.modules.map((m) => [m.path, m]))).values()]
  const services: string[] = []
  const lend = (door: "edge" | "server", name: string, text: string) => {
    names[door].add(name)
    services.push(text)
  }
  const asks = uses.has("http") || uses.has("llm") || uses.has("mcp")
  if (asks && server) names.server.add("createHttp")
  if (asks)
    lend(server ? "server" : "edge", server ? "createHttp" : "fetchHttp", `http: ${server ? "web" : "fetchHttp()"}`)
  if (uses.has("mcp")) lend("server", "mcpService", 'mcp: mcpService({ base: ".", http: web })')
  if (uses.has("sql")) lend("server", "sqliteService", 'sqlite: sqliteService(".")')
  if (uses.has("read_file") || uses.has("write_file")) lend("server", "fileService", 'files: fileService(".")')
  if (target !== "browser") lend("edge", "secretsFrom", "secret: secretsFrom(env)")
  if (modules.length > 0)
    lend(
      "edge",
      "bundled",
      `modules: bundled({ ${modules.map((m, i) => `${JSON.stringify(m.path)}: { sha256: "${m.sha256}", exports: code${i} }`).join(", ")} })`,
    )
  const settings = ["...unpack(PACKED)", `kinds: [${kinds.map(({ code }) => code.code).join(", ")}]`]
  settings.push(`services: { ${services.join(", ")} }`)
  if (kinds.some(({ kind, code }) => kind === "fn" && code.code === "fn")) {
    names.edge.add("settleEffect")
    settings.push("settle: settleEffect")
  }
  if (server) {
    names.server.add("hostDigest")
    settings.push("digest: hostDigest")
  }
  if (target !== "browser" && !program.open) {
    names.edge.add("tokensFrom")
    settings.push("tokens: tokensFrom(env)")
  }
  const start = TAILS[target](program, settings, names)
  const from = (door: "edge" | "server") =>
    names[door].size === 0 ? [] : [`import { ${[...names[door]].sort().join(", ")} } from "shadowgraph/${door}"`]
  return [
    `// Written by \`shadowgraph deploy ${target}\`: ${gathered.map(({ plan }) => plan.name).join(", ")}. Written anew by the same command.`,
    ...(start.imports ?? []),
    ...(gathered.some(readsPatterns) ? ['import "shadowgraph/graph/patterns"'] : []),
    ...from("edge"),
    ...from("server"),
    ...modules.map((m, i) => `import * as code${i} from ${JSON.stringify(CODE + m.path)}`),
    "",
    "/** Plans, grants, pins, policy and budgets, as `deployment.json` lists them. */",
    `const PACKED = ${JSON.stringify(pack(packing))}`,
    ...(asks && server ? ["const web = createHttp()"] : []),
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

interface Start {
  readonly imports?: readonly string[]
  readonly lines: readonly string[]
}
type Names = { readonly edge: Set<string>; readonly server: Set<string> }
type Tail = (program: Program, settings: readonly string[], names: Names) => Start

const call = (settings: readonly string[], indent = ""): string =>
  `edge({\n${settings.map((line) => `${indent}  ${line},\n`).join("")}${indent}})`

/** A process on `node:http`. */
const process: Tail = ({ ledger }, settings, names) => {
  names.server.add("listen")
  return {
    imports: ['import process from "node:process"'],
    lines: [
      "const { env } = process",
      `const app = ${call([...settings, ...kept(ledger, names)])}`,
      'const server = await listen(app.fetch, { host: env.HOST ?? "0.0.0.0", port: Number(env.PORT ?? 8787) })',
      "console.log(server.url)",
      ...onSignals("server.close(5_000)"),
    ],
  }
}

const onSignals = (stop: string): readonly string[] => [
  'for (const signal of ["SIGINT", "SIGTERM"])',
  "  process.on(signal, async () => {",
  `    await ${stop}`,
  "    await app.close()",
  "    process.exit(0)",
  "  })",
]

function kept(ledger: Program["ledger"], { edge, server }: Names): readonly string[] {
  if (ledger !== "file") return ["onDefect: (cause) => console.error(cause)"]
  edge.add("SqlLedger")
  server.add("SqliteStorage")
  const file = 'env.SHADOWGRAPH_LEDGER ?? "ledger.db"'
  return [
    `store: () => SqlLedger.open({ storage: new SqliteStorage({ file: ${file} }), digest: hostDigest })`,
    "onDefect: (cause) => console.error(cause)",
  ]
}

const TAILS: Readonly<Record<Target, Tail>> = {
  // Bun's own server: it starts in a fraction of the time that its `node:http` takes.
  bun: ({ ledger }, settings, names) => ({
    imports: ['import process from "node:process"'],
    lines: [
      "const { env } = process",
      `const app = ${call([...settings, ...kept(ledger, names)])}`,
      'const address = { hostname: env.HOST ?? "0.0.0.0", port: Number(env.PORT ?? 8787) }',
      "// Seconds: longer than a run may take.",
      "const server = Bun.serve({ ...address, idleTimeout: 60, fetch: app.fetch })",
      "console.log(server.url.href)",
      ...onSignals("server.stop()"),
    ],
  }),
  node: process,
  deno: (program, settings, names) => ({
    lines: [
      "const env = Deno.env.toObject()",
      `const app = ${call([...settings, ...kept(program.ledger, names)])}`,
      "Deno.serve({ port: Number(env.PORT ?? 8787) }, app.fetch)",
    ],
  }),
  workerd: ({ ledger }, settings, names) => {
    const all = [...settings, "onDefect: (cause) => console.error(cause)"]
    if (ledger !== "durable")
      return {
        lines: [
          `const start = (env) => ${call(all)}`,
          "let app",
          "export default { fetch: (request, env) => (app ??= start(env)).fetch(request) }",
        ],
      }
    names.edge.add("SqlLedger").add("DurableStorage")
    const store = "store: () => SqlLedger.open({ storage: new DurableStorage(storage) })"
    return {
      imports: ['import { DurableObject } from "cloudflare:workers"'],
      lines: [
        `const start = (env, storage) => ${call([...all, store])}`,
        "",
        "/** The graphs with a ledger that lasts: one object, which writes alone. */",
        "export class Graphs extends DurableObject {",
        "  app = start(this.env, this.ctx.storage)",
        "  fetch(request) {",
        "    return this.app.fetch(request)",
        "  }",
        "}",
        'export default { fetch: (request, env) => env.GRAPHS.get(env.GRAPHS.idFromName("graphs")).fetch(request) }',
      ],
    }
  },
  browser: (_, settings) => ({
    imports: ['import { show } from "page:"'],
    lines: [`const app = ${call(settings)}`, "globalThis.shadowgraph = app", "show(app)"],
  }),
}
