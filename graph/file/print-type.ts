/**
 * Types as a graph file writes them: notation in one line, or mappings and lists around it. The reverse of `types.ts`;
 * a type that has a name is written by its name.
 */
import { printLiteral } from "../literal.ts"
import { type Field, printType, type Type } from "../type.ts"
import { Flow, type Printed } from "./printed.ts"

/** The names of a graph's types. */
export interface TypeNames {
  /**
   * The name of a type: of this very object for a record, since one of the same shape that stands for itself keeps its
   * shape; by their words for enumerations and unions, which have no object of their own.
   */
  readonly of: (type: Type) => string | undefined
  readonly has: (name: string) => boolean
}

export function namesOfTypes(types: { readonly [name: string]: Type }): TypeNames {
  const records = new Map<Type, string>()
  const words = new Map<string, string>()
  for (const [name, type] of Object.entries(types)) {
    if (type.kind === "record" && !records.has(type)) records.set(type, name)
    if (type.kind === "enum" || type.kind === "union") words.set(printType(type), name)
  }
  return {
    of: (type) => (type.kind === "enum" || type.kind === "union" ? words.get(printType(type)) : records.get(type)),
    has: (name) => Object.hasOwn(types, name),
  }
}

/** A type as the reader takes it: mappings for records, lists for lists, notation for the rest. */
export function typeData(type: Type, names: TypeNames, own = false): Printed {
  const name = own ? undefined : names.of(type)
  if (name !== undefined) return name
  switch (type.kind) {
    case "list":
      return new Flow([typeData(type.of, names)])
    case "map":
      return new Flow({ "*": typeData(type.of, names) })
    case "record":
      return new Flow(fieldsData(type.fields, names))
    default:
      return notation(type, names, own)
  }
}

export function fieldsData(fields: { readonly [name: string]: Field }, names: TypeNames): { [key: string]: Printed } {
  return Object.fromEntries(
    Object.entries(fields).map(([name, field]) => [
      `${name}${field.optional ? "?" : ""}`,
      field.default === undefined
        ? typeData(field.type, names)
        : `${notation(field.type, names)} = ${printLiteral(field.default)}`,
    ]),
  )
}

/** Notation in one line, with names and defaults. */
function notation(type: Type, names: TypeNames, own = false): string {
  const name = own ? undefined : names.of(type)
  if (name !== undefined) return name
  switch (type.kind) {
    case "list":
      return `[${notation(type.of, names)}]`
    case "map":
      return `{ "*": ${notation(type.of, names)} }`
    case "stream":
      return `stream<${notation(type.of, names)}>`
    case "union":
      return type.of.map((member) => notation(member, names)).join(" | ")
    case "enum":
      return type.values.map((w) => word(w, type.values.length, names)).join(" | ")
    case "record": {
      const fields = Object.entries(type.fields).map(([key, field]) => {
        const value = field.default === undefined ? "" : ` = ${printLiteral(field.default)}`
        return `${JSON.stringify(key)}${field.optional ? "?" : ""}: ${notation(field.type, names)}${value}`
      })
      return fields.length === 0 ? "{}" : `{ ${fields.join(", ")} }`
    }
    default:
      return printType(type)
  }
}

/** A word is bare where it stands among others and is no type; one word alone would be taken for a type. */
const word = (w: string, among: number, names: TypeNames): string =>
  among > 1 && /^[A-Za-z_][A-Za-z0-9_]*$/.test(w) && !TYPE_WORDS.has(w) && !names.has(w) ? w : JSON.stringify(w)

const TYPE_WORDS: ReadonlySet<string> = new Set(
  "null boolean number int64 string bytes unknown never true false stream tensor".split(" "),
)
