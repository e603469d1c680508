/** `shadow import` as a user uses it: a model from elsewhere comes in with its encodings, anything else is told why not. */
import { describe, expect, test } from "bun:test"
import { existsSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { ModelStore, ModelStoreError } from "../../deploy/mod.ts"
import { type ModelFile, ShadowModel, writeModel } from "../../shadow/mod.ts"
import { randomMlp } from "../../shadow/model/random.sample.ts"
import { folderWith, start } from "./command.ts"

const INPUT = { type: "object", properties: { a: { type: "integer", minimum: 0, maximum: 255 } }, required: ["a"] }
const OUTPUT = { type: "integer", minimum: 0, maximum: 15 }

function file(widths: readonly number[]): ModelFile {
  const made = writeModel(randomMlp(widths, 1))
  if (!("bytes" in made)) throw made
  return made
}
function folder() {
  const made = folderWith({
    "in.json": JSON.stringify(INPUT),
    "out.json": JSON.stringify(OUTPUT),
    "text.onnx": "hello",
  })
  writeFileSync(join(made, "model.onnx"), file([30, 8, 16]).bytes)
  writeFileSync(join(made, "other.onnx"), file([31, 8, 16]).bytes)
  return made
}
const did = async (at: string, ...words: string[]) => start(at, ["shadow", "import", ...words]).done
const schemas = ["--input", "in.json", "--output", "out.json"]

describe("shadow import", () => {
  test("keeps a model with its encodings, under its hash; the kept file is a shadow, here and elsewhere", async () => {
    const at = folder()
    const first = await did(at, "model.onnx", "--tool", "fn:low", "--version", "1", ...schemas, "--json")
    expect(first.exit).toBe(0)
    const said = JSON.parse(first.out)
    expect(said).toMatchObject({
      widths: [30, 8, 16],
      weights: 30 * 8 + 8 + 8 * 16 + 16,
      tool: "fn:low",
      toolVersion: "1",
    })
    const store = new ModelStore(at)
    expect(store.list()).toEqual([said.model])
    const kept = store.get(said.model)
    const shadow = ShadowModel.of(readFileSync(said.file))
    if (!(shadow instanceof ShadowModel) || !("about" in kept)) throw shadow
    expect(kept.about.tool).toBe("fn:low")
    expect(shadow.predict({ a: 200 })).toMatchObject({ by: said.model, ran: "wasm-single" })

    const other = folder()
    writeFileSync(join(other, "kept.onnx"), readFileSync(said.file))
    const again = await did(other, "kept.onnx")
    expect([again.exit, again.out.trim().split("\n").at(-1)]).toEqual([0, said.model])
    expect(again.out).toContain("fn:low")
  })

  test("says why a file cannot come in, and keeps nothing", async () => {
    const at = folder()
    const cases: [string[], string][] = [
      [["text.onnx", ...schemas], "text.onnx: Cannot read the file at byte 2"],
      [["missing.onnx", ...schemas], `Cannot read "missing.onnx"`],
      [["model.onnx"], "--input and --output give the schemas"],
      [["other.onnx", ...schemas], "found 31 to 16"],
      [["model.onnx", "--input", "text.onnx"], "want JSON"],
    ]
    for (const [words, text] of cases) {
      const { exit, err } = await did(at, ...words)
      expect(err).toContain(text)
      expect(exit).toBe(1)
    }
    expect((await did(at)).exit).toBe(2)
    expect(existsSync(join(at, ".shadowgraph", "models"))).toBe(false)
    expect((await did(at, "model.onnx", "--bare")).exit).toBe(0)
  })
})

test("a kept model that was changed, or is not there, has an error of that name", () => {
  const at = folder()
  const store = new ModelStore(at)
  const model = file([3, 2])
  const path = store.put(model)
  expect(store.put(model)).toBe(path)
  expect(store.get(model.hash)).toMatchObject({ hash: model.hash })
  const bytes = readFileSync(path)
  bytes[bytes.length - 20]! ^= 1
  writeFileSync(path, bytes)
  const reason = (work: () => unknown): string => {
    try {
      work()
    } catch (cause) {
      if (cause instanceof ModelStoreError) return cause.reason
      throw cause
    }
    return "no error"
  }
  expect(reason(() => store.get(model.hash))).toBe("changed")
  expect(reason(() => store.get("0".repeat(64)))).toBe("missing")
  writeFileSync(join(at, "in-the-way"), "")
  expect(reason(() => new ModelStore(join(at, "in-the-way")).put(model))).toBe("disk")
})
