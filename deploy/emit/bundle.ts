/**
 * The program as one file that wants nothing from where it lies: our doors, the code of functions and their packages, bundled for the
 * host. Nothing is written here; what the host could not load is said.
 */
import { builtinModules } from "node:module"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import type { BuildOptions, Message, Plugin } from "esbuild"
import { ProjectError } from "../project/error.ts"
import { meteredQuickJs } from "../sandbox/quickjs.ts"
import { CODE, SANDBOX, SANDBOX_FILE } from "./entry.ts"
import type { Module } from "./gather.ts"
import type { Lack } from "./lacks.ts"
import { PAGE_SCRIPT } from "./page.ts"
import { KERNEL_FILE } from "./shadows.ts"
import { type Target, TRAITS } from "./targets.ts"

export interface Bundled {
  readonly text: string
  readonly bytes: number
  readonly gzip: number
  readonly lacks: readonly Lack[]
}

/**
 * `folder`: of the graphs, from which packages of their functions are found. `beside`: bytes that go with the program. Fails with
 * `ProjectError` where it cannot be bundled.
 */
export async function bundleFor(
  target: Target,
  entry: string,
  {
    folder,
    modules,
    beside,
  }: { readonly folder: string; readonly modules: readonly Module[]; readonly beside: number },
): Promise<Bundled> {
  const { build } = await import("esbuild")
  const { server, size, title } = TRAITS[target]
  const stray = new Set<string>()
  try {
    const { outputFiles } = await build({
      stdin: { contents: entry, resolveDir: folder, sourcefile: `${target}.js` },
      bundle: true,
      minify: true,
      write: false,
      format: "esm",
      target: "es2024",
      charset: "utf8",
      legalComments: "none",
      logLevel: "silent",
      // Settings of whatever project lies around the functions would change the program.
      tsconfigRaw: {},
      ...(server ? FOR_SERVERS : FOR_FETCH[target === "browser" ? "browser" : "workerd"]),
      plugins: [partsOf(folder, modules, server, stray)],
    })
    const { text, contents } = outputFiles![0]!
    const bytes = contents.length
    const lacks: Lack[] = [...stray].map((name) => ({
      what: `${title} has no "${name}", which the code of a function imports`,
      fix: "deploy to bun, deno or node, or do without it",
      harmless: false,
    }))
    const all = bytes + beside
    if (size !== undefined && all > size.bytesMax)
      lacks.push({ what: `the program has ${all} bytes, and ${size.who} takes ${size.bytesMax}`, harmless: false })
    return { text, bytes, gzip: gzipSync(contents).length, lacks }
  } catch (cause) {
    const [first] = (cause as { readonly errors?: readonly Message[] }).errors ?? []
    const at = first?.location ? ` (${first.location.file}:${first.location.line})` : ""
    throw new ProjectError({
      reason: "kind",
      message: `Cannot bundle the graphs for ${title}: ${first?.text ?? String(cause)}${at}`,
      cause,
    })
  }
}

const FOR_SERVERS: BuildOptions = {
  platform: "node",
  mainFields: ["module", "main"],
  // Runtimes of models are installed where the program is started: one is native, and both are large.
  external: ["bun:*", "onnxruntime-node", "onnxruntime-web"],
  // Packages of the old form ask for their parts by `require`.
  banner: {
    js: 'import { createRequire as shadowgraphRequire } from "node:module"; const require = shadowgraphRequire(import.meta.url);',
  },
}
const neutral = (...conditions: readonly string[]): BuildOptions => ({
  platform: "neutral",
  mainFields: ["browser", "module", "main"],
  conditions: [...conditions],
  external: ["cloudflare:*"],
})
const FOR_FETCH = {
  workerd: neutral("workerd", "worker", "browser", "import"),
  browser: neutral("browser", "import"),
} as const

/** Our own files are TypeScript in a clone and JavaScript in the package. */
const ENDING = import.meta.filename.endsWith(".ts") ? "ts" : "js"
const HOME = join(import.meta.dirname, "..", "..")
const DOORS: { readonly [specifier: string]: string } = {
  "shadowgraph/edge": "deploy/edge/mod",
  "shadowgraph/edge/http": "deploy/edge/http",
  "shadowgraph/edge/mcp": "deploy/edge/mcp",
  "shadowgraph/edge/onnx": "deploy/edge/onnx",
  "shadowgraph/edge/sandbox": "deploy/edge/sandbox",
  "shadowgraph/edge/shadows": "deploy/edge/shadows",
  "shadowgraph/edge/triggers": "deploy/edge/triggers",
  "shadowgraph/server": "deploy/server/mod",
  "shadowgraph/graph/patterns": "graph/patterns/mod",
  // What modules of functions take from the package is the builder's: `fn`, `Failure`, types.
  shadowgraph: "deploy/edge/functions",
}
/** Files of the deployment beside the program. */
const BESIDE = new RegExp(
  `^\\./(${[SANDBOX_FILE, KERNEL_FILE].map((name) => name.replace(".", "\\.")).join("|")}|models/[0-9a-f]{64}\\.onnx|ort/[\\w.-]+)$`,
)
const BUILT_IN = new Set(builtinModules.flatMap((name) => [name, `node:${name}`]))

const partsOf = (folder: string, modules: readonly Module[], server: boolean, stray: Set<string>): Plugin => ({
  name: "deployment",
  setup: ({ onResolve, onLoad }) => {
    onResolve({ filter: /^shadowgraph(\/|$)/ }, ({ path }) =>
      Object.hasOwn(DOORS, path) ? { path: join(HOME, `${DOORS[path]}.${ENDING}`) } : undefined,
    )
    onResolve({ filter: /^code:/ }, ({ path }) => ({ path: path.slice(CODE.length), namespace: "code" }))
    onLoad({ filter: /.*/, namespace: "code" }, ({ path }) => ({
      contents: modules.find((m) => m.path === path)!.text,
      resolveDir: folder,
      loader: "js",
    }))
    onResolve({ filter: new RegExp(`^${SANDBOX}$`) }, ({ path }) => ({ path, namespace: "sandbox" }))
    onLoad({ filter: /.*/, namespace: "sandbox" }, async () => ({ contents: await meteredQuickJs(), loader: "binary" }))
    onResolve({ filter: BESIDE }, ({ path }) => ({ path, external: true }))
    onResolve({ filter: /^page:$/ }, ({ path }) => ({ path, namespace: "page" }))
    onLoad({ filter: /.*/, namespace: "page" }, () => ({ contents: PAGE_SCRIPT, loader: "js" }))
    if (server) return
    onResolve({ filter: /.*/ }, ({ path }) => {
      if (!BUILT_IN.has(path)) return undefined
      stray.add(path)
      return { path, external: true }
    })
  },
})
