// Random graph files for rolling back: chains and webs of reads with writes among them, in choices, items, rounds, subgraphs
// and behind failures that are met. Values are numbers, so that a wrong guess can be told from every right one.
import type { Chance } from "../laws/chance.ts"

export interface Made {
  readonly text: string
  /** For each top-level node the top-level nodes that it rests on, over others, too. */
  readonly rests: ReadonlyMap<string, ReadonlySet<string>>
}

/** Marks of reads that may be called on a guess; the rest may be guessed and are not called. */
const mark = (c: Chance) => (c.percent(80) ? ", speculate: true" : "")

/** A graph of some ten nodes. Reads of `shared` see what was written there, so one at the wrong time answers otherwise. */
export function graphOf(c: Chance): Made {
  const lines: string[] = []
  const rests = new Map<string, Set<string>>()
  const names: string[] = []
  let tools = 0
  /** Nodes that touch what is written: each comes after all before it. */
  const touching: string[] = []
  const read = (args: string, more = "") =>
    `{ read: f, on: "at:${tools++}", with: { n: "\${ ${args} }" }, output: number${mark(c)}${more} }`
  const write = (args: string, more = "") =>
    `{ write: w, on: shared, with: { n: "\${ ${args} }" }, output: number${more} }`
  const look = (args: string, more = "") =>
    `{ read: look, on: shared, with: { n: "\${ ${args} }" }, output: number${mark(c)}${more} }`
  const count = c.between(8, 18)
  for (let i = 0; i < count; i++) {
    const name = `n${i}`
    const used = new Set<string>()
    /** `lazy`: of a body that may not run, on which nothing rests for certain. */
    const value = (lazy = false): string => {
      if (names.length === 0 || c.percent(10)) return c.percent(50) ? "input.x" : String(c.below(9))
      // Mostly what was made last, so that chains are long.
      const of = names[c.percent(60) ? names.length - 1 : c.below(names.length)]!
      if (!lazy) used.add(of)
      return c.percent(30) ? `${of} + ${c.below(5)}` : of
    }
    const after = (): string => {
      for (const t of touching) used.add(t)
      return touching.length === 0 ? "" : `, after: [${touching.join(", ")}]`
    }
    const kind = c.weighted({
      read: 42,
      web: 8,
      write: 8,
      look: 14,
      expr: 8,
      when: 14,
      map: 6,
      loop: 4,
      fold: 4,
      catch: 5,
    })
    let node: string
    let touches = false
    switch (kind) {
      case "web":
        node = read(`${value()} + ${value()} + ${value()}`)
        break
      case "write":
        touches = true
        node = write(value(), after())
        break
      case "look":
        touches = true
        // Mostly the same argument whatever was guessed before: then only its time tells right from wrong.
        node = look(c.percent(60) ? "input.x" : value(), after())
        break
      case "expr":
        node = `{ expr: "${value()} * 2.0 - ${value()}" }`
        break
      case "when": {
        const acts = c.percent(70)
        touches = acts
        const [test, one, two] = [value(), value(true), value(true)]
        node = `{ when: "${test} > ${c.below(60)}.0", then: ${acts ? write(one) : read(one)}, else: ${c.percent(50) ? read(two) : `{ expr: "${two}" }`}${acts ? after() : ""} }`
        break
      }
      case "map":
        node = `{ map: "[${value()}, ${value()}, 3.0]", as: m, do: ${read("m")}, parallel: ${c.between(1, 3)} }`
        break
      case "loop":
        node = `{ loop: "${value()}", while: "state < ${c.between(40, 200)}.0", max: 9, do: ${read("state + 9")}, catch: "1.0" }`
        break
      case "fold":
        node = `{ fold: "[1.0, ${value()}]", from: "${value()}", do: ${read("acc + item")} }`
        break
      case "catch":
        node = `{ read: fails, on: "at:${tools++}", with: { n: "\${ ${value()} }" }, output: number${mark(c)}, catch: ${c.percent(50) ? read(value(true)) : `"${c.below(9)}.0"`} }`
        break
      default:
        node = read(value())
    }
    const all = new Set(used)
    for (const of of used) for (const more of rests.get(of)!) all.add(more)
    rests.set(name, all)
    lines.push(`  ${name}: ${node}`)
    if (touches) touching.push(name)
    // A list is no number: what it adds up to is.
    if (kind === "map") {
      lines.push(`  ${name}s: { expr: "${name}.sum()" }`)
      rests.set(`${name}s`, new Set([...all, name]))
      names.push(`${name}s`)
    } else names.push(name)
  }
  const output = `[${names.join(", ")}]`
  return { text: `graph: g\ninput: { x: number }\nnodes:\n${lines.join("\n")}\noutput: "${output}"\n`, rests }
}
