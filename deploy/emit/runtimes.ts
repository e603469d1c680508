/**
 * What runs models in a deployment. Servers have it installed where they start. Pages and workers get builds of the user's
 * onnxruntime-web, copied beside the program: a page loads them as they are; a worker compiles no WebAssembly and is mistaken for Node
 * by them, so its copy is told otherwise.
 */
import { existsSync, statSync } from "node:fs"
import { readFile } from "node:fs/promises"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import type { Lack } from "./lacks.ts"
import { type Model, placeOf } from "./models.ts"
import { type Target, TRAITS } from "./targets.ts"

/** Files that go beside a program: texts, and files of this machine as they are, by path in the deployment. */
export interface Beside {
  readonly files: Readonly<Record<string, string>>
  readonly copies: Readonly<Record<string, string>>
  /** Of all of them. */
  readonly bytes: number
  readonly lacks: readonly Lack[]
}

/** A file beside a worker that it imports, and as what. */
export interface Part {
  readonly name: string
  readonly form: "wasm" | "esModule" | "data"
}

const FOLDER = "ort"
const WASM = "ort-wasm-simd-threaded.wasm"
/** Of a page: each build with its module and its WebAssembly. */
const PAGE = {
  webgpu: { module: "ort.jspi.bundle.min.mjs", wasm: "ort-wasm-simd-threaded.jspi.wasm" },
  wasm: { module: "ort.wasm.bundle.min.mjs", wasm: WASM },
} as const
/** Of a worker: the module, what makes its WebAssembly, and ours between the two. */
const WORKER = { module: "ort.wasm.min.mjs", glue: "ort-wasm-simd-threaded.mjs", factory: "factory.mjs" } as const

const FACTORY = `// Written by \`shadowgraph deploy\`: a worker compiles no WebAssembly, so the runtime gets what was compiled with the worker.
import factory from "./${WORKER.glue}"
import compiled from "./${WASM}"

export default (settings) =>
  factory({
    ...settings,
    instantiateWasm: (imports, done) => {
      WebAssembly.instantiate(compiled, imports).then((instance) => done(instance, compiled))
      return {}
    },
  })
`

const MIB = 1 << 20
/** The most that Cloudflare Pages takes in one file, where the command that is printed goes. */
const PAGES_FILE_MAX = 25 * MIB

/** `project`: the folder whose onnxruntime-web is taken, before that of this package. */
export async function besideOf(target: Target, project: string, models: readonly Model[]): Promise<Beside> {
  const brought = models.map((model) => [placeOf(model), model.file] as const)
  const note = (what: string): Lack => ({ what, harmless: true })
  if (TRAITS[target].server) {
    const bytes = models.reduce((n, model) => n + model.bytes, 0)
    const what = "onnxruntime-node and onnxruntime-web are installed where the program is started, as its README says"
    return { files: {}, copies: Object.fromEntries(brought), bytes, lacks: [note(what)] }
  }
  const folder = runtimeFolder(project)
  if (folder === undefined) {
    const what = "onnxruntime-web is not installed, and nothing else runs models there"
    return { files: {}, copies: {}, bytes: 0, lacks: [{ what, fix: "npm install onnxruntime-web", harmless: false }] }
  }
  const builds = target === "browser" ? Object.values(PAGE).flatMap(({ module, wasm }) => [module, wasm]) : [WASM]
  const copies = Object.fromEntries([
    ...builds.map((name) => [`${FOLDER}/${name}`, join(folder, name)] as const),
    ...brought,
  ])
  const files = target === "browser" ? {} : await workerFiles(folder)
  const sizes = Object.entries(copies).map(([name, file]) => ({ name, size: statSync(file).size }))
  const bytes = sizes.reduce((n, { size }) => n + size, 0)
  const lacks =
    target === "browser"
      ? [
          note(
            `${mb(bytes)} MB come along for models; a page loads what its browser can run of them when it is opened`,
          ),
          ...sizes
            .filter(({ size }) => size > PAGES_FILE_MAX)
            .map(({ name, size }) => note(`${name} has ${mb(size)} MB, and Cloudflare Pages takes files up to 25 MiB`)),
        ]
      : [note(`${mb(bytes)} MB come along for models; with them a worker is too large for Cloudflare's free plan`)]
  return { files, copies, bytes, lacks }
}

/** No process is there, whatever the host lends by that name: the runtime would ask Node's modules for its files. */
async function workerFiles(folder: string): Promise<Readonly<Record<string, string>>> {
  const { transform } = await import("esbuild")
  const told = async (name: string) => {
    const define = { process: "undefined", "globalThis.process": "undefined" }
    const text = await readFile(join(folder, name), "utf8")
    return (await transform(text, { define, format: "esm", minify: true, legalComments: "inline" })).code
  }
  return {
    [`${FOLDER}/${WORKER.module}`]: await told(WORKER.module),
    [`${FOLDER}/${WORKER.glue}`]: await told(WORKER.glue),
    [`${FOLDER}/${WORKER.factory}`]: FACTORY,
  }
}

/** What a server's package asks npm for. */
export const INSTALLED = { "onnxruntime-node": "^1.30.0", "onnxruntime-web": "^1.30.0" } as const

/** The builds of onnxruntime-web that the project or this package has; undefined where neither has them. */
function runtimeFolder(project: string): string | undefined {
  for (const from of [join(project, "package.json"), import.meta.filename]) {
    try {
      const folder = dirname(createRequire(from).resolve("onnxruntime-web/wasm"))
      if (existsSync(join(folder, WASM))) return folder
    } catch {
      // Not installed there; the other one may have it.
    }
  }
  return undefined
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(1)

// ---- as the program and its configuration name them

/** Files that a worker imports for its models. */
export const workerParts = (models: readonly Model[]): readonly Part[] => [
  ...[WORKER.module, WORKER.glue, WORKER.factory].map(
    (name): Part => ({ name: `${FOLDER}/${name}`, form: "esModule" }),
  ),
  { name: `${FOLDER}/${WASM}`, form: "wasm" },
  ...models.map((model): Part => ({ name: placeOf(model), form: "data" })),
]

export interface ModelCode {
  /** What it takes, each from its door. */
  readonly names: readonly (readonly [door: "edge/onnx" | "server", name: string])[]
  readonly imports: readonly string[]
  readonly lines: readonly string[]
  /** Expressions of the services `files` and `onnx`. */
  readonly files: string
  readonly onnx: string
}

/** How the program lends its models. */
export function codeOfModels(target: Target, models: readonly Model[]): ModelCode {
  const brought = (of: (model: Model, i: number) => string) =>
    `{ ${models.map((model, i) => `${JSON.stringify(model.path)}: ${of(model, i)}`).join(", ")} }`
  if (TRAITS[target].server)
    return {
      names: ["fileService", "serverOnnx", "withModels"].map((name) => ["server", name]),
      imports: [],
      lines: [],
      files: `withModels(${brought((model) => `new URL("${placeOf(model)}", import.meta.url)`)}, fileService("."))`,
      onnx: 'serverOnnx(".")',
    }
  if (target === "browser") {
    const build = ({ module, wasm }: (typeof PAGE)[keyof typeof PAGE]) =>
      `{ load: () => import(at("${FOLDER}/${module}")), wasm: at("${FOLDER}/${wasm}") }`
    return {
      names: ["broughtModels", "cachedModels", "webOnnx"].map((name) => ["edge/onnx", name]),
      imports: [],
      lines: [
        "const at = (file) => new URL(file, import.meta.url).href",
        "const models = webOnnx({",
        `  webgpu: ${build(PAGE.webgpu)},`,
        `  wasm: ${build(PAGE.wasm)},`,
        "  files: cachedModels(),",
        "})",
        "// What there is to run them on is found out before the first question.",
        "models.providers()",
      ],
      files: `broughtModels(${brought((model) => `at("${placeOf(model)}")`)})`,
      onnx: "models",
    }
  }
  return {
    names: ["broughtModels", "webOnnx"].map((name) => ["edge/onnx", name]),
    imports: models.map((model, i) => `import model${i} from "./${placeOf(model)}"`),
    lines: [
      `const runtime = { load: () => import("./${FOLDER}/${WORKER.module}"), factory: "./${WORKER.factory}", wasm: "${WASM}" }`,
      "const models = webOnnx({ wasm: runtime })",
    ],
    files: `broughtModels(${brought((_, i) => `model${i}`)})`,
    onnx: "models",
  }
}
