/** The schema for editors, tried with ajv: what checks passes, and it catches the coarse mistakes. */
import { describe, expect, test } from "bun:test"
import Ajv2020 from "ajv/dist/2020.js"
import { parse } from "yaml"
import { corpus } from "../../tests/corpus.ts"
import { sample } from "../../tests/kinds.ts"
import { checkFile } from "../check-file.ts"
import { graphSchema } from "./schema.ts"

const validate = new Ajv2020({ strict: false, allErrors: true }).compile(graphSchema(sample))
const errors = (text: string) =>
  validate(parse(text)) ? [] : validate.errors!.map((e) => `${e.instancePath} ${e.message}`)

describe("the JSON Schema", () => {
  for (const { file, text } of corpus) {
    test(`${file} fits`, () => expect(errors(text)).toEqual([]))
  }

  const refused: Record<string, string> = {
    "an unknown key": "graph: g\nnode: {}\nnodes: {}\noutput: 1",
    "no output": "graph: g\nnodes: {}",
    "a node without a kind": "graph: g\nnodes: { a: { about: x } }\noutput: 1",
    "a misspelt setting": "graph: g\nnodes: { a: { clock: now, timout: 2s } }\noutput: 1",
    "a setting that the kind cannot have": "graph: g\nnodes: { a: { expr: 1, retry: 3 } }\noutput: 1",
    "a static word that is none of its enumeration": "graph: g\nnodes: { a: { clock: later } }\noutput: 1",
    "a map without a body": "graph: g\nnodes: { a: { map: '[1]' } }\noutput: 1",
    "a loop beyond its bound": "graph: g\nnodes: { a: { loop: 0, while: 'true', max: 0, do: { expr: 1 } } }\noutput: 1",
    "a node's name in capitals": "graph: g\nnodes: { A: { expr: 1 } }\noutput: 1",
    "a time without a unit": "graph: g\nnodes: { a: { clock: now, timeout: 2 } }\noutput: 1",
  }
  for (const [what, text] of Object.entries(refused)) {
    test(`refuses ${what}, as the checker does`, () => {
      expect(errors(text).length).toBeGreaterThan(0)
      const { problems } = checkFile({ file: "g.yaml", text }, { registry: sample })
      expect(problems.some((p) => p.severity === "error")).toBe(true)
    })
  }
})
