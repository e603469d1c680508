/**
 * Labels through expressions: what each operation does to the labels of what it takes. `labelOf` walks the trees of
 * graphs; plans compute with the same functions, one instruction at a time.
 */
import { BUILTINS } from "../builtins.ts"
import type { Expr } from "../expr.ts"
import type { Type } from "../type.ts"
import {
  CLEAN,
  fieldOf,
  influenced,
  itemOf,
  join,
  joinAll,
  type Label,
  listOf,
  mapOf,
  ofParts,
  overOf,
  positionOf,
  textless,
  under,
  whole,
  written,
} from "./label.ts"

/** The label of an expression's value; `names` gives those of the names in scope. */
export function labelOf(e: Expr, names: (name: string) => Label): Label {
  const of = (part: Expr) => labelOf(part, names)
  switch (e.op) {
    case "const":
      return written(e.value)
    case "ref":
      return names(e.name)
    case "field":
      return fieldOf(of(e.of), e.name)
    case "index":
      return under(of(e.of), of(e.at))
    case "call":
      return callLabel(e.fn, e.args.map(of))
    case "if":
      return influenced(join(of(e.then), of(e.else)), of(e.test).any)
    case "and":
    case "or":
      return textless(join(whole(of(e.left)), whole(of(e.right))))
    case "list":
      return listOf(joinAll(e.items.map(of)))
    case "record":
      return ofParts(new Map(e.fields.map(([name, value]) => [name, of(value)])))
    case "map":
      return mapOf(joinAll(e.entries.map(([key]) => whole(of(key)))), joinAll(e.entries.map(([, value]) => of(value))))
    case "each": {
      const over = of(e.over)
      const item = overOf(over)
      const position = positionOf(over)
      const body = labelOf(e.body, (name) => (name === e.item ? item : name === e.index ? position : names(name)))
      return gathered(e.macro, over, body)
    }
    case "has":
      return textless(of(e.of))
    case "text":
      return whole(joinAll(e.parts.map((part) => whole(of(part)))))
  }
}

/** What a macro makes of its list and of what its body gives for each item. */
export function gathered(macro: Extract<Expr, { op: "each" }>["macro"], over: Label, body: Label): Label {
  switch (macro) {
    case "map":
      return listOf(body, over.any)
    case "filter":
    case "sort_by":
      return listOf(influenced(overOf(over), body.any), over.any | body.any)
    case "all":
    case "exists":
    case "exists_one":
    case "sum_by":
      return textless(join(whole(over), whole(body)))
  }
}

/** Functions that give their first argument or what is left of it, and those that give one of its items. */
const SAME: ReadonlySet<string> = new Set(["slice", "reverse", "distinct", "sort", "value", "compact"])
const ITEMS: ReadonlySet<string> = new Set(["first", "last"])
/** Functions that give one of their arguments, or one put behind the other. */
const EITHER: ReadonlySet<string> = new Set(["orValue", "+", "merge"])

/** The label of a call of the builtin table. */
export function callLabel(fn: string, args: readonly Label[]): Label {
  let any = 0n
  for (const arg of args) any |= arg.any
  if (any === 0n) return CLEAN
  if (TEXTLESS.has(fn)) return { text: 0n, any, size: 0 }
  const first = args[0] ?? CLEAN
  if (SAME.has(fn)) return influenced(first, any)
  if (ITEMS.has(fn)) return influenced(itemOf(first), any)
  if (EITHER.has(fn)) return influenced(joinAll(args), any)
  if (fn === "values") return listOf(under(first, CLEAN), any)
  if (fn === "flatten") return listOf(itemOf(itemOf(first)), any)
  return whole(joinAll(args.map(whole)))
}

/** Functions whose result holds no text, whatever they take: read off the table of their types. */
const TEXTLESS: ReadonlySet<string> = new Set(
  [...BUILTINS.values()]
    .filter((b) => b.overloads.every((o) => typeof o.result !== "function" && !holdsText(o.result)))
    .map((b) => b.name),
)

/** Can a value of the type hold text that its author did not list? Bytes and tensors of any shape can. */
export function holdsText(type: Type): boolean {
  switch (type.kind) {
    case "null":
    case "boolean":
    case "number":
    case "int64":
    case "enum":
    case "never":
      return false
    case "list":
    case "stream":
      return holdsText(type.of)
    case "record":
      return Object.values(type.fields).some((f) => holdsText(f.type))
    case "union":
      return type.of.some(holdsText)
    default:
      return true
  }
}
