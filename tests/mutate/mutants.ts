// Mutants of a source file, all of them in one text: each condition, comparison, return, throw and bare call is wrapped so
// that a number chosen at run time switches one mutant on. Made from the syntax tree, so that nothing else is touched.
import { parseSync } from "oxc-parser"

export interface Mutant {
  /** Its number over all files. */
  readonly id: number
  readonly file: string
  readonly line: number
  /** What was done: `never`, `always`, `left alone`, `right alone`, `flipped`, `undefined`, `true`, `false`, `not thrown`, `not called`. */
  readonly what: string
  /** The code that it was done to, on one line; together with `what` and `nth` it names the mutant in the list of explanations. */
  readonly code: string
  /** How many of the same file, `what` and `code` come before it. */
  readonly nth: number
}

interface Node {
  readonly type: string
  readonly start: number
  readonly end: number
  readonly [field: string]: unknown
}
/** A text put in at a place; at one place what closes comes before what opens, outer opens before inner. */
interface Insertion {
  readonly at: number
  readonly text: string
  readonly order: number
}

const FLIPPED: { readonly [operator: string]: string } = {
  "<": "lt",
  "<=": "le",
  ">": "gt",
  ">=": "ge",
  "===": "eq",
  "!==": "ne",
}
/** In the text of a mutated file these are the run-time switches (`switch.ts`). */
export const SWITCHES = "{ is, when, lt, le, gt, ge, eq, ne, both, either }"

/** The mutants of a file and its text with all of them inside. `from`: the number of the first. */
export function mutate(
  file: string,
  text: string,
  from: number,
): { readonly mutants: Mutant[]; readonly text: string } {
  const { program, errors } = parseSync(file, text)
  if (errors.length > 0) throw new SyntaxError(`${file}: ${errors[0]!.message}`)
  const mutants: Mutant[] = []
  const insertions: Insertion[] = []
  const seen = new Map<string, number>()
  const lineOf = lines(text)

  const add = (node: Node, what: string): number => {
    const code = text.slice(node.start, node.end).replace(/\s+/g, " ").slice(0, 160)
    const key = `${what} ${code}`
    const nth = seen.get(key) ?? 0
    seen.set(key, nth + 1)
    const id = from + mutants.length
    mutants.push({ id, file, line: lineOf(node.start), what, code, nth })
    return id
  }
  const around = (node: Node, before: string, after: string): void => {
    insertions.push({ at: node.start, text: before, order: 1 + insertions.length })
    insertions.push({ at: node.end, text: after, order: -1 - insertions.length })
  }
  const condition = (test: Node): void => {
    const never = add(test, "never")
    const always = add(test, "always")
    around(test, `when(${never},${always},(`, "))")
  }
  /** An operator between two operands becomes a call. */
  const operator = (node: Node, call: string, between: string, end: string): void => {
    const [left, right] = [node["left"], node["right"]] as [Node, Node]
    around(node, call, end)
    // What stands between the operands is the operator, with comments and parentheses that close and open.
    const gap = text.slice(left.end, right.start)
    const op = String(node["operator"])
    const at = left.end + gap.indexOf(op)
    replacements.push({ start: at, end: at + op.length, text: between })
  }
  const replacements: { readonly start: number; readonly end: number; readonly text: string }[] = []

  const visit = (node: Node, tested: boolean): void => {
    switch (node.type) {
      case "IfStatement":
      case "ConditionalExpression":
      case "WhileStatement":
        condition(node["test"] as Node)
        break
      case "BinaryExpression": {
        const name = FLIPPED[String(node["operator"])]
        // An equation that is a whole condition is flipped by `never` and `always` already.
        if (name === undefined || (tested && name.length === 2 && (name === "eq" || name === "ne"))) break
        operator(node, `${name}(${add(node, "flipped")},(`, "),(", "))")
        break
      }
      case "LogicalExpression": {
        const op = String(node["operator"])
        const waits = /\b(await|yield)\b/.test(text.slice((node["right"] as Node).start, (node["right"] as Node).end))
        if ((op !== "&&" && op !== "||") || waits) break
        const left = add(node, "left alone")
        const right = add(node, "right alone")
        operator(node, `${op === "&&" ? "both" : "either"}(${left},${right},()=>(`, "),()=>(", "))")
        break
      }
      case "ReturnStatement": {
        const value = node["argument"] as Node | null
        if (value === null) break
        if (value.type === "Literal" && typeof value["value"] === "boolean") {
          around(value, `(is(${add(node, String(!value["value"]))})?${!value["value"]}:(`, "))")
        } else if (isTruth(value, text)) {
          const yes = add(node, "true")
          const no = add(node, "false")
          around(value, `(is(${yes})?true:is(${no})?false:(`, "))")
        } else if (text.slice(value.start, value.end) !== "undefined") {
          around(value, `(is(${add(node, "undefined")})?undefined:(`, "))")
        }
        break
      }
      case "ThrowStatement":
        around(node, `{if(!is(${add(node, "not thrown")})){`, "}}")
        break
      case "ExpressionStatement": {
        const call = node["expression"] as Node
        const plain = call.type === "CallExpression" && (call["callee"] as Node).type !== "Super"
        if (plain) around(node, `{if(!is(${add(node, "not called")})){`, "}}")
        break
      }
    }
    for (const [field, child] of Object.entries(node)) {
      if (field === "typeAnnotation" || field === "typeArguments" || field === "typeParameters") continue
      const inTest = field === "test"
      for (const one of Array.isArray(child) ? child : [child]) {
        if (typeof one === "object" && one !== null && typeof one.type === "string") visit(one as Node, inTest)
      }
    }
  }
  visit(program as unknown as Node, false)
  return { mutants, text: applied(text, insertions, replacements) }
}

/** Is what is returned true or false by its form? */
function isTruth(value: Node, text: string): boolean {
  if (value.type === "UnaryExpression") return value["operator"] === "!"
  if (value.type === "BinaryExpression") return String(value["operator"]) in FLIPPED
  return value.type === "LogicalExpression" && /[=!]==|[<>]=?/.test(text.slice(value.start, value.end))
}

function lines(text: string): (at: number) => number {
  const starts = [0]
  for (let i = 0; i < text.length; i++) if (text[i] === "\n") starts.push(i + 1)
  return (at) => starts.findLastIndex((start) => start <= at) + 1
}

function applied(
  text: string,
  insertions: readonly Insertion[],
  replacements: readonly { readonly start: number; readonly end: number; readonly text: string }[],
): string {
  const all = [
    ...insertions.map((i) => ({ start: i.at, end: i.at, text: i.text, order: i.order })),
    ...replacements.map((r) => ({ ...r, order: 0 })),
  ].sort((a, b) => a.start - b.start || a.order - b.order)
  let out = ""
  let at = 0
  for (const edit of all) {
    out += text.slice(at, edit.start) + edit.text
    at = edit.end
  }
  return out + text.slice(at)
}
