/**
 * Makes `import quote from "./quote.graph.yaml"` work: importing this file once, before the modules that do so, teaches
 * the runtime to read graph files. `bun --preload shadowgraph/register app.ts`, or `node --import shadowgraph/register`.
 */
import * as module from "node:module"
import process from "node:process"
import { fileURLToPath } from "node:url"

const GRAPH_FILE = /\.graph\.(ya?ml|json)$/

/** The module that a graph file is to its importers. */
const moduleOf = (path: string): string =>
  `import { graphFile } from ${JSON.stringify(import.meta.resolve("./graph-file.ts").replace(/\.ts$/, extension))}
export default await graphFile(${JSON.stringify(path)})
`
/** Built, this is JavaScript, and so is the file beside it. */
const extension = import.meta.url.endsWith(".ts") ? ".ts" : ".js"

if (process.versions["bun"] !== undefined) {
  Bun.plugin({
    name: "shadowgraph",
    setup: (build) => {
      build.onLoad({ filter: GRAPH_FILE }, ({ path }) => ({ contents: moduleOf(path), loader: "js" }))
    },
  })
} else {
  module.registerHooks({
    load: (url, context, next) =>
      url.startsWith("file:") && GRAPH_FILE.test(new URL(url).pathname)
        ? { format: "module", source: moduleOf(fileURLToPath(url)), shortCircuit: true }
        : next(url, context),
  })
}
