// Mutated graph files: none may crash or hang the reader or the checker, every problem must stand somewhere in its file,
// and whatever is accepted must come back the same from its printed form. Used by the tests with ten thousand mutants,
// by `npm run hostile` with more.

import { checkFile, printGraph } from "../../graph/file/mod.ts"
import { renderProblems } from "../../graph/mod.ts"
import { corpus, loadCorpus } from "../corpus.ts"
import { sample } from "../kinds.ts"

export interface Hostile {
  readonly mutants: number
  readonly accepted: number
  /** What went wrong, with the mutant's number: the seed and the number make it again. */
  readonly crashes: readonly string[]
}

/** Pieces of the language and of attacks on its readers, to be put in anywhere. */
const PIECES = [
  ..."{}[]()\"'`:,|>&*!?#%@-~$\\\t\n\r \u0000\u2028\ufeff".split(""),
  "${",
  "}",
  "${ input.order }",
  "$${",
  ": ",
  " #",
  "\n  ",
  "\n\t",
  "- ",
  "? ",
  "<<: ",
  "&a ",
  "*a",
  "!!js/function ",
  "%YAML 1.1\n",
  "---\n",
  "...\n",
  "__proto__: 1\n",
  "constructor",
  "null",
  "true",
  "1e999",
  "-0",
  ".nan",
  "9007199254740993",
  "0x1F",
  "007",
  "input",
  "error",
  "item",
  "acc",
  "nodes:",
  "output:",
  "expr:",
  "when:",
  "do:",
  "map:",
  "fold:",
  "loop:",
  "switch:",
  "catch:",
  "graph:",
  "after: [a, b]",
  "timeout: 2s",
  "retry: 3",
  "types:",
  "[number]",
  "{ a: number }",
  "stream<string>",
  "tensor<f32>[2]",
  "A | B",
  "\ud800",
  "😀",
  "é",
  ".sum()",
  " + 1",
  "&&",
  "||",
  "?.",
  ".map(x, x)",
  "has(a.b)",
  "'\\u",
  '"\\x',
  "((((((((",
  "!!!!!!!!",
]

/** Makes and tries `count` mutants. Deterministic in `seed`. */
export function hostileFiles(count: number, seed = 1): Hostile {
  let state = seed >>> 0
  const next = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return Math.floor((state / 4294967296) * n)
  }
  const pick = <A>(from: readonly A[]): A => from[next(from.length)]!
  const crashes: string[] = []
  let accepted = 0
  for (let i = 0; i < count; i++) {
    const { file } = pick(corpus)
    const text = mutant(next, pick)
    try {
      if (tryFile(next(4) === 0 ? file.replace("yaml", "json") : file, text)) accepted++
    } catch (cause) {
      crashes.push(`mutant ${i} of seed ${seed}: ${cause instanceof Error ? cause.message : String(cause)}`)
    }
  }
  return { mutants: count, accepted, crashes }
}

function mutant(next: (n: number) => number, pick: <A>(from: readonly A[]) => A): string {
  let { text } = pick(corpus)
  for (let n = 1 + next(4); n > 0; n--) {
    const at = next(text.length + 1)
    const to = Math.min(text.length, at + next(1 + next(40)))
    const lines = text.split("\n")
    switch (next(7)) {
      case 0:
        text = text.slice(0, at) + pick(PIECES) + text.slice(at)
        break
      case 1:
        text = text.slice(0, at) + text.slice(to)
        break
      case 2:
        text = text.slice(0, at) + pick(PIECES) + text.slice(to)
        break
      case 3: {
        // A line at another place, or twice.
        const line = pick(lines)
        lines.splice(next(lines.length), next(2), line)
        text = lines.join("\n")
        break
      }
      case 4: {
        // A word for another word of the file.
        const words = text.match(/[A-Za-z_]+/g) ?? ["x"]
        const word = pick(words)
        const start = text.indexOf(word, next(text.length))
        if (start >= 0) text = text.slice(0, start) + pick(words) + text.slice(start + word.length)
        break
      }
      case 5: {
        // More or less indentation.
        const line = next(lines.length)
        lines[line] = next(2) === 0 ? ` ${lines[line]}` : lines[line]!.replace(/^ {1,2}/, "")
        text = lines.join("\n")
        break
      }
      default: {
        // A part of another file.
        const other = pick(corpus).text
        const from = next(other.length)
        text = text.slice(0, at) + other.slice(from, from + next(200)) + text.slice(at)
      }
    }
  }
  return text
}

/** Throws what is wrong; tells whether the file was accepted. */
function tryFile(file: string, text: string): boolean {
  const options = { registry: sample, load: loadCorpus, strict: text.length % 2 === 0 }
  const { checked, problems } = checkFile({ file, text }, options)
  for (const { place, message, fix } of problems) {
    if (place === undefined || place.file !== file) continue
    const line = text.split("\n")[place.line - 1]
    if (line === undefined || place.column < 1 || place.column > line.length + 1 || place.length < 1) {
      throw new RangeError(`no such place ${place.line}:${place.column} for "${message}"`)
    }
    if (typeof message !== "string" || (fix !== undefined && typeof fix !== "string")) {
      throw new RangeError(`a message that is no text: ${JSON.stringify({ message, fix })}`)
    }
    if (message === "" || message.includes("undefined") || message.includes("[object")) {
      throw new RangeError(`a message without a meaning: ${message}`)
    }
  }
  renderProblems(problems, () => text, { colour: true })
  if (checked === undefined) {
    if (problems.every((p) => p.severity === "warning")) throw new RangeError("refused without a problem")
    return false
  }
  for (const form of ["yaml", "json"] as const) {
    const printed = printGraph(checked.graph, sample, form)
    const again = checkFile({ file: `again.${form}`, text: printed }, options)
    if (again.checked?.hash !== checked.hash) {
      throw new RangeError(`another graph after printing as ${form}: ${again.problems[0]?.message ?? "another hash"}`)
    }
  }
  return true
}
