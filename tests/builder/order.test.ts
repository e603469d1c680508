// The order of effects that the builder writes down, judged by the checker: always enough, and never a word too many.
import { describe, expect, test } from "bun:test"
import * as v from "valibot"
import { fn, graph, type In, map, text, when } from "../../graph/build/mod.ts"
import { check, type Graph, type Node, registry, type Scope } from "../../graph/mod.ts"
import { fn as fnKind } from "../../nodes/mod.ts"

const kinds = registry(fnKind)
const conflicts = (g: Graph): number =>
  check(g, { registry: kinds }).problems.filter((p) => p.code === "G301" && p.severity === "error").length

/** A seeded source of numbers in [0, 1). */
function seeded(seed: number): () => number {
  let s = seed >>> 0
  return () => {
    s = (Math.imul(s, 1664525) + 1013904223) >>> 0
    return s / 2 ** 32
  }
}

const RESOURCES = ["fs:/a", "fs:/a/b", "fs:/a/c", "db", "host"] as const
const TOOLS = RESOURCES.flatMap((resource, i) =>
  (["read", "write"] as const).map((effect) =>
    fn(`${effect}_${i}`, { input: { text: v.string() }, output: v.string(), effect, resource }, ({ text }) => text),
  ),
)

function randomGraph(random: () => number) {
  const tool = () => TOOLS[Math.floor(random() * TOOLS.length)]!
  let n = 0
  const call = (input: In<string>) => tool()({ text: input }, { name: `n${n++}` })
  return graph("g", { input: { text: v.string() } }, function* (input) {
    const given = [input.text]
    const any = () => given[Math.floor(random() * given.length)]!
    const length = 3 + Math.floor(random() * 8)
    for (let i = 0; i < length; i++) {
      const kind = random()
      if (kind < 0.7) given.push(yield* call(random() < 0.5 ? any() : "x"))
      else if (kind < 0.85) {
        const [then, otherwise] = [any(), any()]
        given.push(
          yield* when(
            `w${n++}`,
            true,
            () => call(then),
            () => call(otherwise),
          ),
        )
      } else {
        const outer = any()
        const list = yield* map(`m${n++}`, ["a", "b"], function* (item) {
          const first = yield* call(random() < 0.5 ? outer : item)
          const second = yield* call("y")
          return text`${first}${second}`
        })
        given.push(text`${list.length}`)
      }
    }
    return text`${any()}${any()}`
  })
}

/** Every graph that has one entry of one `after` less. */
function* weaker(g: Graph): Generator<Graph> {
  function* scopes(scope: Scope): Generator<Scope> {
    for (const [i, node] of scope.nodes.entries())
      for (const n of nodes(node)) yield { ...scope, nodes: scope.nodes.with(i, n) }
  }
  function* nodes(node: Node): Generator<Node> {
    const after = node.settings.after ?? []
    for (const [i] of after.entries()) yield { ...node, settings: { ...node.settings, after: after.toSpliced(i, 1) } }
    for (const [role, scope] of Object.entries(node.scopes))
      for (const s of scopes(scope)) yield { ...node, scopes: { ...node.scopes, [role]: s } }
  }
  for (const body of scopes(g.body)) yield { ...g, body }
}

describe("for 150 random graphs of effects", () => {
  const random = seeded(5)
  const graphs = Array.from({ length: 150 }, () => randomGraph(random).ir)

  test("the checker asks for no further order", () => {
    for (const g of graphs) expect(conflicts(structuredClone(g))).toBe(0)
  })

  test("and misses every entry that is taken away", () => {
    let taken = 0
    for (const g of graphs.slice(0, 60)) {
      for (const less of weaker(g)) {
        taken++
        if (conflicts(structuredClone(less)) === 0)
          throw new RangeError(`an entry of after is not needed: ${JSON.stringify(g)}`)
      }
    }
    expect(taken).toBeGreaterThan(100)
  })
})
