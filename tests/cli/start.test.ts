// What starting costs: running a plan loads no compiler, no builder, no pictures, no prompts, no clients; asking for help
// loads next to nothing. Looked at in what the bundler says is imported before anything runs.
import { describe, expect, test } from "bun:test"
import { type BuildOptions, build } from "esbuild"
import { root } from "../repository.ts"

/** Our files and the packages that a module imports statically, itself and all that it imports. */
async function loadedBy(entry: string): Promise<ReadonlySet<string>> {
  const options: BuildOptions = {
    entryPoints: [entry],
    absWorkingDir: root,
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    write: false,
    metafile: true,
    outdir: "out",
    // Native code, which no bundle holds; what imports it does so when a model is run.
    external: ["onnxruntime-node", "onnxruntime-web"],
    logLevel: "silent",
  }
  const { outputs } = (await build(options)).metafile!
  const loaded = new Set<string>()
  const seen = new Set<string>()
  const walk = (name: string): void => {
    const output = outputs[name]
    if (output === undefined || seen.has(name)) return
    seen.add(name)
    for (const input of Object.keys(output.inputs)) {
      const found = /node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(input)
      loaded.add(found === null ? input : found[1]!)
    }
    for (const { kind, path, external } of output.imports) {
      if (kind !== "import-statement") continue
      if (external === true) loaded.add(path)
      else walk(path)
    }
  }
  walk(`out/${entry.split("/").at(-1)!.replace(/\.ts$/, ".js")}`)
  return loaded
}

describe("before anything runs", () => {
  test("a plan needs no compiler, no pictures, no prompts, no clients", async () => {
    const loaded = [...(await loadedBy("deploy/cli/run.ts"))]
    expect(loaded).toContain("deploy/engine/engine.ts")
    expect(
      loaded.filter((f) =>
        /^(compile|deploy\/(draw|rehearsal|http|listen|import)|graph\/build\/(graph|call|control))/.test(f),
      ),
    ).toEqual([])
    const packages = [
      "@clack/prompts",
      "@dagrejs/dagre",
      "@modelcontextprotocol/client",
      "esbuild",
      "hono",
      "onnxruntime-node",
      "onnxruntime-web",
      "valibot",
      "@effect/platform-node",
    ]
    expect(loaded.filter((f) => packages.includes(f))).toEqual([])
  })

  test("help and a word that is no command need no graph at all", async () => {
    const loaded = [...(await loadedBy("deploy/cli/cli.ts"))]
    expect(loaded.filter((f) => /^(graph|plan|compile|kernel|bus|nodes)\//.test(f))).toEqual([])
  })
})
