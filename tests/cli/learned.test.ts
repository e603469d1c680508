/**
 * Networks through the real command: a training that is killed and goes on, a model from elsewhere that has to pass the same
 * gate, and those that do not come in, each with its reason. The tool compares two numbers, which no exact form can say.
 */
import { beforeAll, describe, expect, test } from "bun:test"
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import * as Effect from "effect/Effect"
import { ShadowStore } from "../../deploy/shadows/store.ts"
import { fromJsonSchema } from "../../graph/mod.ts"
import { drawOf, examplesOf, train } from "../../learn/mod.ts"
import {
  EncodingRefused,
  encodingOf,
  type Mlp,
  ModelRefused,
  outputOf,
  schemaNotes,
  writeModel,
} from "../../shadow/mod.ts"
import { randomMlp } from "../../shadow/model/random.sample.ts"
import { folderWith, start } from "./command.ts"

const GRAPH = `graph: compare
input: { a: number, b: number }
nodes:
  one: { fn: "./tools.js#larger", with: { a: "\${ input.a }", b: "\${ input.b }" }, effect: read, resource: "host:larger", output: boolean }
output: one
`
const TOOL = "fn:./tools.js#larger"
const NUMBER = { type: "integer", minimum: 0, maximum: 63 }
const INPUT = {
  type: "object",
  properties: { a: NUMBER, b: NUMBER },
  required: ["a", "b"],
  additionalProperties: false,
}
const OUTPUT = { type: "boolean" }

const draw = drawOf("larger")
const CASES = [
  ...new Map(
    Array.from({ length: 4_500 }, () => [draw.below(64), draw.below(64)] as const).map(([a, b]) => [
      `${a} ${b}`,
      { a, b },
    ]),
  ).values(),
]
let at: string
let trained: string
const SETTINGS = ["--hidden", "32", "--steps", "6000", "--alpha", "5%"]
const training = (folder: string) => {
  const home = join(folder, ".shadowgraph", "training")
  return existsSync(home) ? readdirSync(home).filter((name) => name.endsWith(".checkpoint")) : []
}

/** Compared by the fours that they are in: what a network learns without an error, so that no draw of the gate finds one. */
const four = ({ a, b }: { readonly a: number; readonly b: number }) => Math.floor(a / 4) >= Math.floor(b / 4)
let easy: string

/** A project whose tool was recorded on the cases. */
async function recorded(tool: string): Promise<string> {
  const folder = folderWith({
    "compare.graph.yaml": GRAPH,
    "tools.js": `export const larger = async ({ a, b }) => ${tool}\n`,
    "in.jsonl": CASES.map((c) => JSON.stringify(c)).join("\n"),
    "in.json": JSON.stringify(INPUT),
    "out.json": JSON.stringify(OUTPUT),
  })
  const words = ["record", "compare.graph.yaml", "--inputs", "in.jsonl", "--calls", String(CASES.length), "--yes"]
  expect((await start(folder, words).done).exit).toBe(0)
  return folder
}
beforeAll(async () => {
  at = await recorded("a > b")
  easy = await recorded("Math.floor(a / 4) >= Math.floor(b / 4)")
}, 60_000)

/** The same project in another folder, without what was learned. */
function copy(from = at): string {
  const made = folderWith({})
  for (const name of readdirSync(from))
    if (name !== "node_modules") cpSync(join(from, name), join(made, name), { recursive: true })
  rmSync(join(made, ".shadowgraph", "shadows"), { recursive: true, force: true })
  rmSync(join(made, ".shadowgraph", "training"), { recursive: true, force: true })
  return made
}
const cardIn = async (folder: string) => (await new ShadowStore(folder).all()).shadows[0]?.card

describe("a training", () => {
  test("that is killed goes on where it was, and comes to the very same model", async () => {
    const [whole, cut] = [copy(), copy()]
    expect((await start(whole, ["train", TOOL, ...SETTINGS, "--yes"]).done).exit).toBe(0)
    const killed = start(cut, ["train", TOOL, ...SETTINGS, "--yes"])
    while (training(cut).length === 0) await Bun.sleep(10)
    killed.signal("SIGKILL")
    expect((await killed.done).exit).toBeNull()
    expect(await cardIn(cut)).toBeUndefined()
    const on = await start(cut, ["train", TOOL, ...SETTINGS, "--yes"]).done
    expect([on.exit, on.err]).toEqual([0, expect.stringMatching(/an interrupted training goes on at step [1-9]\d+\n/)])
    const [one, other] = [await cardIn(whole), await cardIn(cut)]
    expect(other!.model).toBe(one!.model)
    // The curve of the loss is whole as well.
    expect(other!.losses).toEqual(one!.losses)
    expect(training(cut)).toEqual([])
    trained = whole
  }, 120_000)

  test("makes a shadow that can be asked: one call, or a file of them as a batch on the native runtime, to the same answers", async () => {
    const rows = CASES.slice(0, 70)
    writeFileSync(join(trained, "ask.jsonl"), rows.map((row) => JSON.stringify(row)).join("\n"))
    const many = await start(trained, ["shadow", "ask", TOOL, "--inputs", "ask.jsonl", "--json"]).done
    const said = many.out
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line))
    expect(said.map(({ args }) => args)).toEqual(rows)
    const spoke = said.filter(({ ok }) => ok)
    expect(spoke.length).toBeGreaterThan(35)
    expect(spoke.filter(({ args, output }) => output !== args.a > args.b).length).toBeLessThanOrEqual(4)
    for (const { ran } of spoke) expect(ran).toMatch(/^ort-node: 70 rows on onnxruntime-node \d/)
    expect(many.exit).toBe(spoke.length === rows.length ? 0 : 1)
    // Alone each is computed by our own kernel.
    const [{ args, output, confidence }] = spoke
    const one = await start(trained, ["shadow", "ask", TOOL, `a=${args.a}`, `b=${args.b}`, "--json"]).done
    const alone = JSON.parse(one.out)
    expect([one.exit, alone.output, alone.ran]).toEqual([0, output, expect.stringMatching(/^wasm-batch: one row; /)])
    expect(alone.confidence).toBeCloseTo(confidence, 4)
    const far = await start(trained, ["shadow", "ask", TOOL, "a=64", "b=x"]).done
    expect([far.exit, far.out]).toEqual([1, expect.stringContaining("do not reach these arguments")])
    const wrong = [["a"], ["--inputs", "none.jsonl"], ["a=1", "--inputs", "ask.jsonl"]].map(
      (words) => start(trained, ["shadow", "ask", TOOL, ...words]).done,
    )
    expect((await Promise.all(wrong)).map(({ err }) => err)).toEqual([
      expect.stringContaining('"a" is no key=value'),
      expect.stringContaining('Cannot read "none.jsonl"'),
      expect.stringContaining("--inputs or words, not both"),
    ])
    const other = await start(trained, ["shadow", "ask", "fn:./tools.js#large", "a=1"]).done
    expect(other.err).toContain("has no shadow here")
  }, 60_000)

  test("begins anew where it is to be another one, or its checkpoint is damaged", async () => {
    for (const spoil of ["settings", "bytes"] as const) {
      const folder = copy()
      const killed = start(folder, ["train", TOOL, ...SETTINGS, "--yes"])
      while (training(folder).length === 0) await Bun.sleep(10)
      killed.signal("SIGKILL")
      await killed.done
      const file = join(folder, ".shadowgraph", "training", training(folder)[0]!)
      if (spoil === "bytes") writeFileSync(file, readFileSync(file).subarray(0, 900))
      const words = spoil === "settings" ? ["--hidden", "40", "--steps", "6000", "--alpha", "5%"] : SETTINGS
      const again = await start(folder, ["train", TOOL, ...words, "--yes"]).done
      expect(again.err).not.toContain("goes on")
      expect(again.exit).toBe(0)
    }
  }, 120_000)
})

/** A network that somebody else trained: dense layers with ReLU between, and no word of ours in its file. */
async function elsewhere(turn: (mlp: Mlp) => Mlp = (mlp) => mlp): Promise<Uint8Array> {
  const [input, output] = [fromJsonSchema(INPUT).type, fromJsonSchema(OUTPUT).type]
  const [encoding, reading] = [
    encodingOf(input, schemaNotes(input, INPUT)),
    outputOf(output, schemaNotes(output, OUTPUT)),
  ]
  if (encoding instanceof EncodingRefused) throw encoding
  if (reading instanceof EncodingRefused) throw reading
  const cases = CASES.map((args, seq) => ({ args, value: four(args), seq }))
  const { examples } = examplesOf(encoding, reading, cases)
  const { mlp } = await Effect.runPromise(train(examples, { hidden: [32], steps: 3_000, batch: 128 }))
  const file = writeModel(turn(mlp))
  if (file instanceof ModelRefused) throw file
  return file.bytes
}

describe("shadow import --graph", () => {
  const imported = (folder: string, file: string, ...more: string[]) =>
    start(folder, [
      ...["shadow", "import", file, "--tool", TOOL, "--input", "in.json", "--output", "out.json"],
      ...["--graph", "compare.graph.yaml", "--yes", ...more],
    ]).done

  test("takes a model from elsewhere through calibration and gate, and it serves", async () => {
    const folder = copy(easy)
    writeFileSync(join(folder, "foreign.onnx"), await elsewhere())
    const { exit, out } = await imported(folder, "foreign.onnx", "--json")
    expect(exit).toBe(0)
    expect(JSON.parse(out)).toMatchObject({ tool: TOOL, family: "fitted", verdict: { outcome: "admitted" } })
    expect((await cardIn(folder))!.losses).toEqual([])
    const run = ["run", "compare.graph.yaml", "a=20", "b=3", "--yes", "--early", "--json", "--ledger", "memory"]
    const lines = (await start(folder, run).done).out.trim().split("\n")
    expect(JSON.parse(lines.at(-1)!)).toMatchObject({ output: true, early: { told: 1, held: true } })
    // Without a graph nobody can be asked: it is kept as a model, and serves nothing.
    const other = copy(easy)
    writeFileSync(join(other, "foreign.onnx"), await elsewhere())
    const words = ["shadow", "import", "foreign.onnx", "--tool", TOOL, "--input", "in.json", "--output", "out.json"]
    expect((await start(other, words).done).exit).toBe(0)
    expect(await cardIn(other)).toBeUndefined()
    expect((await start(other, ["shadow", "ls"]).done).out).toBe("No tool has a shadow here.\n")
  }, 120_000)

  test("refuses what is no model of the tool, each with its reason, and keeps no shadow of it", async () => {
    const folder = copy(easy)
    const good = Buffer.from(await elsewhere())
    const relu = good.indexOf("Relu")
    const renamed = Buffer.from(good)
    renamed.write("Tanh", relu)
    const files: { readonly [name: string]: Uint8Array } = {
      "text.onnx": new TextEncoder().encode("no model at all"),
      "cut.onnx": good.subarray(0, good.length >> 1),
      "tanh.onnx": renamed,
      "narrow.onnx": bytesOf(randomMlp([31, 8, 1], 1)),
      "nan.onnx": withNaN(good),
      "chance.onnx": bytesOf(randomMlp([36, 8, 1], 3)),
      "turned.onnx": await elsewhere((mlp) => ({
        ...mlp,
        weights: mlp.weights.map((w, i) => (i === mlp.weights.length - 1 ? w.map((x) => -x) : w)),
        biases: mlp.biases.map((b, i) => (i === mlp.biases.length - 1 ? b.map((x) => -x) : b)),
      })),
    }
    mkdirSync(join(folder, "models"))
    const said: { [name: string]: string } = {}
    for (const [name, bytes] of Object.entries(files)) {
      writeFileSync(join(folder, "models", name), bytes)
      const { exit, out, err } = await imported(folder, join("models", name))
      expect([name, exit]).toEqual([name, 1])
      said[name] = out + err
    }
    expect(said["text.onnx"]).toMatch(/text\.onnx: Cannot read the file at byte \d+/)
    expect(said["cut.onnx"]).toMatch(/cut\.onnx: Cannot read .*; /)
    expect(said["tanh.onnx"]).toContain("Tanh")
    expect(said["narrow.onnx"]).toContain("found 31 to 1")
    expect(said["nan.onnx"]).toContain("NaN")
    expect(said["chance.onnx"]).toContain("surest answers")
    expect(said["turned.onnx"]).toContain("surest answers")
    expect(await cardIn(folder)).toBeUndefined()
  }, 120_000)
})

function bytesOf(mlp: Mlp): Uint8Array {
  const file = writeModel(mlp)
  if (file instanceof ModelRefused) throw file
  return file.bytes
}
/** Some weights are NaN: sixteen set bytes in the middle of the file, which is the middle of its largest layer. */
function withNaN(good: Buffer): Uint8Array {
  const bytes = Buffer.from(good)
  return bytes.fill(0xff, bytes.length >> 1, (bytes.length >> 1) + 16)
}
