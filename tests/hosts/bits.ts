/**
 * Prints hashes of what must be the same bits on every host: the file of the weights after some hundred steps of training,
 * and what the model in it answers. `bits.test.ts` bundles it and runs it on Node, Deno and Bun.
 */
import { encode, hex, sha256, T, type Value } from "../../graph/mod.ts"
import { examplesOf, Trainer } from "../../learn/mod.ts"
import { encodingOf, outputOf, ShadowModel, writeModel } from "../../shadow/mod.ts"

const input = encodingOf(T.record({ a: T.number, b: T.number, op: T.string }), {
  fields: {
    a: { integer: true, min: 0, max: 255 },
    b: { integer: true, min: 0, max: 255 },
    op: { words: ["add", "subtract", "largest"] },
  },
})
const output = outputOf(T.number, { integer: true, min: -255, max: 510 })
if (!("digits" in input) || !("groups" in output)) throw new RangeError("no encodings")

const cases = Array.from({ length: 6000 }, (_, i) => {
  const [a, b, op] = [(i * 37) % 256, (i * 101 + 7) % 256, ["add", "subtract", "largest"][i % 3]!]
  return { args: { a, b, op }, value: op === "add" ? a + b : op === "subtract" ? a - b : Math.max(a, b) }
})
const { examples } = examplesOf(input, output, cases)
const trainer = Trainer.of(examples, { hidden: [96, 80], batch: 128, steps: 400, every: 100, decay: 0.001 })
if (!(trainer instanceof Trainer)) throw trainer
const losses: number[] = []
for (;;) {
  const progress = trainer.next()
  if (!("look" in progress)) throw progress
  losses.push(progress.loss, progress.look.loss)
  if (progress.ended !== undefined) break
}
const bare = writeModel(trainer.model())
const file = writeModel(trainer.model(), { input: input.spec, output: output.spec, tool: "calculate" })
if (!("bytes" in file)) throw file
if (!("bytes" in bare)) throw bare
const shadow = ShadowModel.of(file.bytes)
if (!(shadow instanceof ShadowModel)) throw shadow
const answers = cases.slice(0, 500).map(({ args }): Value => {
  const said = shadow.predict(args)
  return "value" in said ? [said.value, [...said.confidence], said.joint] : said.message
})

console.log(JSON.stringify({ file: bare.hash, losses, answers: hex(sha256(encode(answers))) }))
