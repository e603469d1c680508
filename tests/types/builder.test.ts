// What the compiler says of graphs in TypeScript: mistakes have short messages that name what is wrong, types are
// inferred whole, declarations of graph files hold, and checking a large graph costs what its nodes cost.
import { describe, expect, test } from "bun:test"
import { readFileSync } from "node:fs"
import { checkFile } from "../../graph/file/mod.ts"
import { declarationName, declarationOf, fail, registry } from "../../graph/mod.ts"
import { mcp } from "../../nodes/mod.ts"
import { compile } from "./compiler.ts"

const sample = (name: string): string => readFileSync(new URL(`./samples/${name}`, import.meta.url), "utf8")

describe("the compiler", () => {
  test("says what is wrong in one short line", async () => {
    const mistakes = sample("mistakes.ts")
    const wanted = mistakes.split("\n").flatMap((text, i) => {
      const match = /^\s*\/\/ (TS\d+): (.*)$/.exec(text)
      return match === null ? [] : [{ line: i + 2, code: match[1]!, message: match[2]! }]
    })
    const { said } = await compile({ "tools.ts": sample("tools.ts"), "mistakes.ts": mistakes })
    // The innermost reason is what a reader looks for; most mistakes have no other.
    expect(said.map(({ line, code, because }) => ({ line, code, message: because }))).toEqual(wanted)
    expect(wanted.length).toBeGreaterThan(9)
    for (const { message } of wanted) expect(message.length).toBeLessThan(160)
  }, 60_000)

  test("infers a graph whole: its declaration names input, output, errors and needs", async () => {
    const { said, declarations } = await compile(
      { "tools.ts": sample("tools.ts"), "inferred.ts": sample("inferred.ts") },
      ["inferred.d.ts"],
    )
    expect(said).toEqual([])
    expect(declarations["inferred.d.ts"]).toBe(`export declare const quote: import("builder").Graph<{
    margin?: number;
    note?: string;
    order: string;
    to: "EUR" | "USD";
}, {
    price: number | null;
    most: {
        readonly max: number;
    };
    kind: string;
    tags: string[];
}, import("./tools.ts").Offline, import("builder").Capability<"net:rates.example.com"> | import("builder").Capability<"sql:shop:read">>;
`)
  }, 60_000)
})

describe("the cost of checking types", () => {
  /** A chain of `nodes` calls and decisions over `tools` tools, each with an error and a capability of its own. */
  const chain = (nodes: number, tools: number) => `
import * as v from "valibot"
import { fn, graph, when } from "builder"
${Array.from(
  { length: tools },
  (_, i) => `class E${i} { readonly _tag = "E${i}" as const }
const t${i} = fn("t${i}", { input: { a: v.number(), b: v.optional(v.string()) }, output: v.object({ n: v.number(), s: v.string() }), needs: ["net:h${i}.example.com"] }, async () => ({ n: 1, s: "" }))`,
).join("\n")}
export const g = graph("g", { input: { a: v.number() } }, function* (input) {
  const x0 = yield* t0({ a: input.a })
${Array.from({ length: nodes }, (_, i) =>
  i % 10 === 9
    ? `  const x${i + 1} = yield* when("w${i}", true, () => x${i}, () => t${i % tools}({ a: x${i}.n }))`
    : `  const x${i + 1} = yield* t${i % tools}({ a: x${i}.n, b: "x" }, { name: "n${i}" })`,
).join("\n")}
  return x${nodes}
})
`
  const cost = async (nodes: number, tools: number) => {
    const { said, instantiations } = await compile({ "chain.ts": chain(nodes, tools) })
    expect(said).toEqual([])
    return instantiations
  }

  test("of 1,000 nodes over 20 tools: nearly nothing a node", async () => {
    const [few, many] = [await cost(100, 20), await cost(1000, 20)]
    expect((many - few) / 900).toBeLessThan(10)
  }, 60_000)

  test("of 1,000 nodes over 200 tools: bounded for each tool", async () => {
    const [few, many] = [await cost(1000, 20), await cost(1000, 200)]
    expect((many - few) / 180).toBeLessThan(800)
  }, 60_000)
})

describe("the declaration of a graph file", () => {
  const yaml = `graph: quote
about: A quote.
input: { order: string, margin: "number = 1.2", to: EUR | USD, note?: string, big: int64, "odd name": [string | number] }
servers: { files: { stdio: [npx, files] } }
nodes:
  tariff: { mcp: files/read, with: { path: a }, output: { per_kg: number, tags: { "*": [a | b] }, raw: bytes } }
output: '{"tariff": tariff, "who": input.?note.orValue("x"), "at": input.big, "image": null}'
`
  const declaration = (): string => {
    const { checked, problems } = checkFile({ file: "quote.graph.yaml", text: yaml }, { registry: registry(mcp) })
    if (checked === undefined) throw fail("Refused", problems.map((p) => p.message).join("\n"))
    return declarationOf(checked)
  }

  test("stands beside it under a name that TypeScript finds", () => {
    expect(declarationName("a/quote.graph.yaml")).toBe("a/quote.graph.d.yaml.ts")
    expect(declarationName("quote.graph.json")).toBe("quote.graph.d.json.ts")
  })

  test("says what goes in, what comes out, and what a run must be granted", () => {
    expect(
      declaration(),
    ).toBe(`// Written by \`shadowgraph types\`. Do not edit: it is written again when the graph changes.
import type { Capability, Failure, Graph } from "shadowgraph"

/** A quote. */
declare const graph: Graph<
  { readonly order: string; readonly margin?: number; readonly to: "EUR" | "USD"; readonly note?: string; readonly big: bigint; readonly "odd name": readonly (string | number)[] },
  { readonly tariff: { readonly per_kg: number; readonly tags: { readonly [key: string]: readonly ("a" | "b")[] }; readonly raw: Uint8Array }; readonly who: string; readonly at: bigint; readonly image: null },
  Failure,
  Capability<"mcp:files/read">
>
export default graph
`)
  })

  test("types an import of the file", async () => {
    const { said } = await compile({
      "shadowgraph.ts": `export type { Capability, Graph } from "builder"\nexport type { Failure } from "graph"\n`,
      "quote.graph.yaml": yaml,
      "quote.graph.d.yaml.ts": declaration(),
      "use.ts": `import { Effect } from "effect"
import { grants, graph, type RunFn } from "builder"
import quote from "./quote.graph.yaml"
declare const run: RunFn
const price: Promise<number> = Effect.runPromise(
  run(quote, { order: "A17", to: "EUR", big: 3n, "odd name": [1, "a"] }).pipe(
    Effect.map((q) => q.tariff.per_kg),
    Effect.provide(grants("mcp:files")),
  ),
)
export const twice = graph("twice", { input: {} }, function* () {
  const q = yield* quote({ order: "A17", to: "USD", big: 1n, "odd name": [] })
  return [q.tariff.per_kg, q.tariff.tags.at("x")]
})
run(quote, { order: "A17", to: "DKK", big: 3n, "odd name": [] })
void price
`,
    })
    expect(said.map((s) => [s.file, s.line, s.because])).toEqual([
      ["use.ts", 15, `Type '"DKK"' is not assignable to type '"EUR" | "USD"'.`],
    ])
  }, 60_000)
})
