// A graph file in a TypeScript program: imported by name with the hook, or by `importGraph`; run, called inside another
// graph, and typed by the declaration beside it.
import { expect, setDefaultTimeout, test } from "bun:test"
import { spawnSync } from "node:child_process"
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { folderWith, shadowgraph } from "./command.ts"

setDefaultTimeout(60_000)

const folder = folderWith({
  "graphs/tariff.graph.yaml": `graph: tariff
input: { kg: number, rush: boolean = false }
nodes:
  rate: { read_file: ./rate.json, parse: json, output: { per_kg: number } }
output: "input.kg * rate.per_kg * (input.rush ? 2.0 : 1.0)"
`,
  "graphs/rate.json": '{ "per_kg": 1.5 }',
  "graphs/wrong.graph.yaml": "graph: wrong\nnodes:\n  a: { expr: b }\noutput: a\n",
  "main.ts": `import { Effect } from "effect"
import * as v from "valibot"
import { grants, graph, importGraph, run } from "shadowgraph"
import tariff from "./graphs/tariff.graph.yaml"
const twice = graph("twice", { input: { kg: v.number() } }, function* (input) {
  const one = yield* tariff({ kg: input.kg })
  const two = yield* tariff({ kg: input.kg, rush: true }, { name: "rushed" })
  return { one, two }
})
const may = Effect.provide(grants("fs:read:."))
console.log(await Effect.runPromise(run(tariff, { kg: 4 }).pipe(may)))
console.log(twice.ir.body.nodes.map((n) => n.name).join(" "))
const again = await importGraph<{ kg: number }, number>("./graphs/tariff.graph.yaml", import.meta.url)
console.log(await Effect.runPromise(run(again, { kg: 2 }).pipe(may)))
console.log(JSON.stringify(await Effect.runPromise(run(twice, { kg: 2 }).pipe(may))))
const refused = await importGraph("./graphs/wrong.graph.yaml", import.meta.url).catch((e) => e)
console.log(refused._tag, refused.message.includes("G102"))
`,
  // What the tariff's path would mean from the folder of the program.
  "rate.json": '{ "per_kg": 100 }',
  "graphs/both.graph.ts": `import * as v from "valibot"
import { graph } from "shadowgraph"
import tariff from "./tariff.graph.yaml"
import far from "./far/Far-Away.graph.yaml"
export default graph("both", { input: { kg: v.number() } }, function* (input) {
  const near = yield* tariff({ kg: input.kg })
  return { near, far: yield* far({ kg: input.kg }) }
})
`,
  "graphs/far/Far-Away.graph.yaml": `graph: Far-Away
input: { kg: number }
nodes:
  rate: { read_file: ./rate.json, parse: json, output: { per_kg: number } }
output: input.kg * rate.per_kg
`,
  "graphs/far/rate.json": '{ "per_kg": 7 }',
  // A module in a folder of its own imports the file beside it, for graphs of others.
  "graphs/far/far.ts": `import { importGraph } from "shadowgraph"
export const far = await importGraph<{ kg: number }, number>("./Far-Away.graph.yaml", import.meta.url)
`,
  "graphs/through.graph.ts": `import * as v from "valibot"
import { graph, map } from "shadowgraph"
import { far } from "./far/far.ts"
export default graph("through", { input: { kg: v.number() } }, function* (input) {
  return yield* map("all", [input.kg, 1], (kg) => far({ kg }))
})
`,
  "run.ts": `import { Effect } from "effect"
import { grants, run } from "shadowgraph"
import { far } from "./graphs/far/far.ts"
import through from "./graphs/through.graph.ts"
const may = Effect.provide(grants("fs:read:."))
console.log(JSON.stringify(await Effect.runPromise(run(through, { kg: 2 }).pipe(may))))
console.log(await Effect.runPromise(run(far, { kg: 2 }).pipe(may)))
`,
  "tsconfig.json": JSON.stringify({
    compilerOptions: {
      module: "Preserve",
      moduleResolution: "bundler",
      target: "ES2024",
      lib: ["ES2024", "ESNext.Disposable", "DOM", "DOM.AsyncIterable"],
      strict: true,
      exactOptionalPropertyTypes: true,
      noEmit: true,
      skipLibCheck: true,
      allowImportingTsExtensions: true,
      allowArbitraryExtensions: true,
      types: [],
    },
    include: ["main.ts"],
  }),
})

test("imported by name it runs with its own folder, and is a call in other graphs", () => {
  const hook = join(import.meta.dirname, "..", "..", "deploy", "register.ts")
  const { stdout, stderr, status } = spawnSync(process.execPath, ["--preload", hook, "main.ts"], {
    cwd: folder,
    encoding: "utf8",
  })
  expect({ status, stdout, stderr }).toEqual({
    status: 0,
    stdout: '6\ntariff rushed\n3\n{"one":3,"two":6}\nGraphProblems true\n',
    stderr: "",
  })
})

test("in a graph of TypeScript that a command runs from elsewhere, each file reads what lies beside it", async () => {
  const ran = await shadowgraph(folder, "run", "graphs/both.graph.ts", "kg=2", "-g", "fs:read:.")
  expect(ran).toMatchObject({ exit: 0, out: '{ "far": 14, "near": 3 }\n' })
})

test("imported by a module of another folder, a file reads what lies beside it, whoever runs the graph around it", async () => {
  const ran = await shadowgraph(folder, "run", "graphs/through.graph.ts", "kg=2", "-g", "fs:read:.")
  expect(ran).toMatchObject({ exit: 0, out: "[14, 7]\n" })
  const { stdout, stderr } = spawnSync(process.execPath, ["run.ts"], { cwd: folder, encoding: "utf8" })
  expect({ stdout, stderr }).toEqual({ stdout: "[14,7]\n14\n", stderr: "" })
})

test("typed by the declaration beside it: a wrong input does not compile", async () => {
  expect((await shadowgraph(folder, "types", "graphs/tariff.graph.yaml")).exit).toBe(0)
  const tsc = join(import.meta.dirname, "..", "..", "node_modules", "typescript", "bin", "tsc")
  const check = () =>
    spawnSync("node", [tsc, "-p", "."], { cwd: folder, encoding: "utf8" })
      .stdout.split("\n")
      .filter((l) => l.startsWith("main.ts") || l.startsWith("wrong.ts"))
  writeFileSync(
    join(folder, "wrong.ts"),
    'import { run } from "shadowgraph"\nimport tariff from "./graphs/tariff.graph.yaml"\nrun(tariff, { kg: "four" })\n',
  )
  writeFileSync(
    join(folder, "tsconfig.json"),
    (await Bun.file(join(folder, "tsconfig.json")).text()).replace('["main.ts"]', '["main.ts", "wrong.ts"]'),
  )
  expect(check()).toEqual([
    expect.stringContaining("wrong.ts(3,15): error TS2322: Type 'string' is not assignable to type 'number'"),
  ])
})
