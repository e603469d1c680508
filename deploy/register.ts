/**
 * Teaches the runtime to import graph files: `bun --preload shadowgraph/register`, `node --import shadowgraph/register`.
 * What is imported is checked as it is loaded; the types come from the declarations that `shadowgraph types` writes.
 */
import * as module from "node:module"
import { fileURLToPath } from "node:url"
import * as Data from "effect/Data"
import { importGraph } from "./import.ts"

const GRAPH_FILE = /\.graph\.(ya?ml|json)$/

/** This runtime has no way to import another kind of file. */
class CannotRegister extends Data.TaggedError("CannotRegister")<{ readonly message: string }> {}

interface BunLike {
  readonly plugin: (plugin: {
    readonly name: string
    readonly setup: (build: {
      readonly onLoad: (
        options: { readonly filter: RegExp },
        load: (args: { readonly path: string }) => Promise<{ readonly exports: object; readonly loader: "object" }>,
      ) => void
    }) => void
  }) => void
}

/** The part of `node:module` that newer hosts have. */
interface Hooks {
  readonly registerHooks?: (hooks: {
    readonly load: (url: string, context: object, next: (url: string, context: object) => unknown) => unknown
  }) => void
}

const bun = (globalThis as { readonly Bun?: BunLike }).Bun
const { registerHooks } = module as Hooks
if (bun !== undefined) {
  bun.plugin({
    name: "shadowgraph",
    setup: (build) =>
      build.onLoad({ filter: GRAPH_FILE }, async ({ path }) => ({
        exports: { default: await importGraph(path) },
        loader: "object",
      })),
  })
} else if (registerHooks !== undefined) {
  const own = JSON.stringify(
    new URL("./import.ts", import.meta.url).href.replace(/\.ts$/, import.meta.url.endsWith(".js") ? ".js" : ".ts"),
  )
  registerHooks({
    load: (url, context, next) => {
      if (!url.startsWith("file:") || !GRAPH_FILE.test(url)) return next(url, context)
      const source = `import { importGraph } from ${own}\nexport default await importGraph(${JSON.stringify(fileURLToPath(url))})\n`
      return { format: "module", shortCircuit: true, source }
    },
  })
} else {
  throw new CannotRegister({
    message:
      "Cannot import graph files by name here: Node must be 22.15 or newer, or use importGraph(file, import.meta.url)",
  })
}
