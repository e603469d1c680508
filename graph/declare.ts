/**
 * Declarations for graph files, so that `import quote from "./quote.graph.yaml"` is typed: the text of the file
 * `quote.graph.d.yaml.ts` that stands beside it. TypeScript finds it with `allowArbitraryExtensions`.
 */
import { least } from "./capability.ts"
import type { CheckedGraph } from "./checked.ts"
import type { Field, Type } from "./type.ts"

/** The name of the declaration that belongs to a graph file: `quote.graph.yaml` → `quote.graph.d.yaml.ts`. */
export function declarationName(file: string): string {
  const dot = file.lastIndexOf(".")
  return `${file.slice(0, dot)}.d${file.slice(dot)}.ts`
}

/** The declaration of a checked graph. The same graph gives the same text. */
export function declarationOf(checked: Pick<CheckedGraph, "graph" | "input" | "output" | "needs">): string {
  const { graph, input, output } = checked
  const needs = least(checked.needs).map((n) => `Capability<${JSON.stringify(n)}>`)
  const types = [typeText(input, "given"), typeText(output, "taken"), "Failure", needs.join(" | ") || "never"]
  const used = ["Capability", "Failure", "Graph", "Tensor"].filter(
    (n) => n === "Graph" || types.some((t) => t.includes(n)),
  )
  return `// Written by \`shadowgraph types\`. Do not edit: it is written again when the graph changes.
import type { ${used.join(", ")} } from "shadowgraph"
${graph.about === undefined ? "" : `\n/** ${graph.about.replaceAll("*/", "* /").replaceAll("\n", "\n * ")} */`}
declare const graph: Graph<
  ${types.join(",\n  ")}
>
export default graph
`
}

/**
 * A type in TypeScript's notation. `given`: what a caller gives, where a field with a default may be left out; `taken`:
 * what comes out, where it is there.
 */
export function typeText(type: Type, side: "given" | "taken"): string {
  switch (type.kind) {
    case "int64":
      return "bigint"
    case "bytes":
      return "Uint8Array"
    case "tensor":
      return "Tensor"
    case "list":
      return `readonly ${grouped(type.of, side)}[]`
    case "stream":
      return `AsyncIterable<${typeText(type.of, side)}>`
    case "map":
      return `{ readonly [key: string]: ${typeText(type.of, side)} }`
    case "enum":
      return type.values.map((v) => JSON.stringify(v)).join(" | ")
    case "union":
      return type.of.map((t) => typeText(t, side)).join(" | ")
    case "record": {
      const fields = Object.entries(type.fields).map(([name, f]) => fieldText(name, f, side))
      return fields.length === 0 ? "Record<never, never>" : `{ ${fields.join("; ")} }`
    }
    default:
      return type.kind
  }
}

function fieldText(name: string, field: Field, side: "given" | "taken"): string {
  const key = /^[A-Za-z_$][A-Za-z0-9_$]*$/.test(name) ? name : JSON.stringify(name)
  const absent = field.optional === true || (side === "given" && field.default !== undefined)
  return `readonly ${key}${absent ? "?" : ""}: ${typeText(field.type, side)}`
}

/** A type as the element of a list: what has a sign in it goes into brackets. */
const grouped = (type: Type, side: "given" | "taken"): string => {
  const text = typeText(type, side)
  const plain = type.kind !== "union" && type.kind !== "list" && !(type.kind === "enum" && type.values.length > 1)
  return plain ? text : `(${text})`
}
