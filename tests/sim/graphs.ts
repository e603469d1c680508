/** Random chains of tools for the simulated world: reads, writes of both sorts, control, waits, and failures that are caught. */
import type { Chance } from "../laws/chance.ts"

export interface SimGraph {
  readonly text: string
  /** One text for each step, from which a shrinker takes the last ones away. */
  readonly nodes: readonly string[]
}

type Make = (ref: string, name: string, n: number) => string

const RETRY = "retry: { times: 2, delay: 20ms }, timeout: 1s"
const MAKES: readonly Make[] = [
  (ref, name) => `${name}: { look: "${ref}", ${RETRY} }`,
  (ref, name) => `${name}: { send: "${ref}", ${RETRY}AFTER }`,
  (ref, name) => `${name}: { post: "${ref}", timeout: 1sAFTER }`,
  (ref, name) => `${name}: { send: "${ref}", ${RETRY}, undo: { send: "-1 - out", ${RETRY} }AFTER }`,
  (ref, name) => `${name}: { post: "${ref}", timeout: 1s, undo: { post: "-1 - args.post", timeout: 1s }AFTER }`,
  (ref, name, n) => `${name}: { expr: "${ref} * 2 + ${n}" }`,
  (ref, name) => `${name}: { look: "${ref}", timeout: 1s, catch: "0" }`,
  (ref, name) =>
    `${name}s: { map: "[1, 2, 3]", parallel: 2, do: { look: "item + ${ref}", timeout: 1s } }\n  ${name}: { expr: "${name}s.sum()" }`,
  (ref, name) =>
    `${name}s: { map: "[1, 2]", do: { send: "item + ${ref}", timeout: 1s, undo: { send: "-1 - out" } }AFTER }\n  ${name}: { expr: "${name}s.sum()" }`,
  (ref, name, n) =>
    `${name}: { when: "${ref} > ${n}", then: { post: "${ref}", timeout: 1s }, else: { expr: "1" }AFTER }`,
  (ref, name, n) =>
    `${name}b: { ask: "Go on with \${ ${ref} }?", output: boolean, within: 3d }\n  ${name}: { expr: "${name}b ? ${n} : 0" }`,
  (ref, name, n) =>
    `${name}z: { sleep: "\${ ${ref} > 3 ? '2h' : '90s' }" }\n  ${name}: { expr: "${name}z == null ? ${n} : 0" }`,
  (ref, name) => `${name}: { loop: "${ref}", while: "state < 20", max: 4, do: { look: "state", timeout: 1s } }`,
]

/** A chain in which every write follows the one before. */
export function someSimGraph(chance: Chance): SimGraph {
  const nodes: string[] = []
  const names: string[] = ["input.n"]
  const effects: string[] = []
  const count = chance.between(2, 7)
  for (let i = 0; i < count; i++) {
    const name = `n${i}`
    const ref = names[chance.below(names.length)]!
    const made = MAKES[chance.below(MAKES.length)]!(ref, name, chance.between(1, 9))
    const after = effects.length === 0 ? "" : `, after: ${effects.at(-1)}`
    nodes.push(made.replace("AFTER", after))
    if (made.includes("AFTER")) effects.push(made.slice(0, made.indexOf(":")))
    names.push(name)
  }
  return { text: textOf(nodes), nodes }
}

/** `undo`: the graph takes back what it did when it fails. */
export function textOf(nodes: readonly string[], undo = false): string {
  const names = nodes.map((_, i) => `n${i}`)
  const output = names.length === 0 ? "[input.n]" : `[${names.join(", ")}]`
  return `graph: sim\n${undo ? "on_failure: undo\n" : ""}input: { n: number }\nnodes:\n${nodes.length === 0 ? "  nothing: { expr: input.n }" : nodes.map((n) => `  ${n}`).join("\n")}\noutput: ${output}\n`
}
