/**
 * Plans that the compiler makes: small graph files with every kind of node and expression. What the compiler gives must
 * be accepted, and is what hostile tests break beside the plans drawn by hand.
 */
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import type { Plan } from "../../plan/mod.ts"
import { sample } from "../kinds.ts"

const FILES: { readonly [name: string]: string } = {
  sums: `
graph: sums
input: { a: number, b: number = 2, unit: EUR | USD }
nodes:
  total: { expr: input.a + input.b * 2 }
  text: { expr: 'string(total) + " " + input.unit' }
output: text
`,
  shelf: `
graph: shelf
input: { key: string }
nodes:
  old: { take: box, key: input.key }
  store: { put: box, key: "\${ input.key }", with: { text: "\${ old.orValue('none') }" } }
  again: { take: box, key: input.key, after: store }
  other: { take: chest, key: input.key }
output: '[old.orValue(""), again.orValue(""), other.orValue("")]'
`,
  lists: `
graph: lists
input: { rows: [{ name: string, weight: number, tags: [string] }], limit: number }
nodes:
  heavy: { expr: "input.rows.filter(r, r.weight > input.limit)" }
  names: { expr: "heavy.map(r, r.name).map(n, n + '!')" }
  all: { expr: "input.rows.all(r, r.weight > 0) && input.rows.exists(r, 'x' in r.tags)" }
  one: { expr: "input.rows.exists_one(r, r.name == 'a')" }
  sorted: { expr: "input.rows.sortBy(r, r.weight).map(r, r.weight)" }
  sum: { expr: "input.rows.sumBy(r, r.weight)" }
output: "{ 'names': names, 'all': all, 'one': one, 'sorted': sorted, 'sum': sum }"
`,
  unsure: `
graph: unsure
input: { x: unknown, maybe?: string, m: { "*": number } }
nodes:
  a: { expr: "input.x.a > 1 || input.x.b < 2" }
  b: { expr: "input.x.a == 1 && input.m['k'] == 2" }
  c: { expr: "has(input.maybe) ? input.maybe : 'none'" }
  d: { expr: "input.m[?'k'].orValue(7)" }
  e: { expr: "input.m.exists(k, v, v > 1 && k != 'z')" }
output: "{ 'a': a, 'b': b, 'c': c, 'd': d, 'e': e }"
`,
  choose: `
graph: choose
input: { n: number, who: string }
nodes:
  big: { expr: input.n > 10 }
  pick:
    when: big
    then: { expr: "input.who + '!'" }
    else:
      nodes:
        low: { take: box, key: input.who }
        text: { expr: "low.orValue('?')" }
      output: text
output: pick
`,
  cases: `
graph: cases
input: { currency: EUR | USD | GBP, n: number }
nodes:
  rate:
    switch: input.currency
    cases:
      EUR: { expr: input.n }
      USD: { expr: input.n * 1.1 }
    else: { expr: "0.0" }
output: rate
`,
  mapped: `
graph: mapped
input: { keys: [string], prefix: string }
nodes:
  found:
    map: input.keys
    as: key
    parallel: 4
    do: { take: box, key: "input.prefix + key" }
  kept:
    map: input.keys
    as: key
    do: { put: chest, key: "\${ key }", with: { text: "\${ input.prefix }" } }
output: found.filter(f, f != null).size() + kept.size()
`,
  folded: `
graph: folded
input: { xs: [number] }
nodes:
  total:
    fold: input.xs
    from: 0
    as: x
    do: { expr: acc + x }
  doubled:
    loop: 1
    as: n
    max: 50
    while: n < total
    do: { expr: n * 2 }
output: "[total, doubled]"
`,
  caught: `
graph: caught
input: { key: string }
nodes:
  risky:
    take: box
    key: input.key
    timeout: 1s
    retry: 2
    catch: { expr: "error.code + input.key" }
  checked:
    expr: "[1, 2][int64(risky.orValue('').size())]"
    catch: { expr: "0.5" }
output: "[risky, string(checked)]"
`,
  streamed: `
graph: streamed
input: { text: string }
nodes:
  parts: { lines: input.text }
  length: { fold: parts, from: 0, as: line, do: { expr: acc + line.size() } }
output: length
`,
  asked: `
graph: asked
input: { topic: string }
nodes:
  answers:
    panel: "What of \${ input.topic }?"
    tools:
      short: { input: { question: string }, do: { expr: "question + input.topic" } }
      looked: { input: { question: string }, do: { take: box, key: question } }
output: answers
`,
}

/** What the checker says of a file that it refuses: the corpus is wrong then, not the compiler. */
export const FAULTS: string[] = []

const compiled = (name: string, text: string): Plan | undefined => {
  const { checked, problems } = checkFile({ file: `${name}.graph.yaml`, text: text.trimStart() }, { registry: sample })
  if (checked === undefined) {
    FAULTS.push(...problems.map((p) => `${name}: ${p.code} ${p.path} ${p.message}`))
    return undefined
  }
  return compile(checked).plan
}

export const COMPILED: { readonly [name: string]: () => Plan | undefined } = Object.fromEntries(
  Object.entries(FILES).map(([name, text]) => [name, () => compiled(name, text)]),
)
