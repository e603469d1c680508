/** File → IR → file → IR is the identity on IR, over the corpus and over random graphs, in YAML and in JSON. */
import { describe, expect, test } from "bun:test"
import { corpus, loadCorpus } from "../../tests/corpus.ts"
import { sample } from "../../tests/kinds.ts"
import { checkFile } from "../check-file.ts"
import { printGraph } from "./print.ts"

const options = { registry: sample, load: loadCorpus }
const read = (file: { file: string; text: string }) => {
  const result = checkFile(file, options)
  expect({ file: file.file, problems: result.problems, text: file.text.slice(0, 0) }).toEqual({
    file: file.file,
    problems: [],
    text: "",
  })
  return { graph: result.graph!, hash: result.checked!.hash }
}

describe("printed graphs", () => {
  for (const file of corpus) {
    test(`${file.file} comes back the same`, () => {
      const first = read(file)
      for (const form of ["yaml", "json"] as const) {
        const text = printGraph(first.graph, sample, form)
        const second = read({ file: `again.graph.${form}`, text })
        expect(second.graph).toEqual(first.graph)
        expect(second.hash).toBe(first.hash)
        expect(printGraph(second.graph, sample, form)).toBe(text)
      }
    })
  }
})
