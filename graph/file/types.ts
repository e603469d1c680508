/**
 * Cells as types: notation in a text, or the same shapes as YAML. `[Line]` is a list, a mapping is a record, `"*"` alone
 * in a mapping makes it a map, `name?` is optional. Names under `types:` may refer to one another in any order, but not
 * in a circle, and no type may unfold to more than a bounded size.
 */
import type { Mark } from "../places.ts"
import { type Field, T, type Type } from "../type.ts"
import { TYPE_DEPTH_MAX, TYPE_SIZE_MAX, typeSize } from "../type-size.ts"
import { parseField, parseType } from "./notation.ts"
import { entriesOf, isEmpty, itemOf, type Reading, refuse, refuseKey, refuseSpans, under } from "./reading.ts"

/**
 * The named types of a file, each read when it is first asked for. A name that is being read has no type yet: whoever
 * asks for it then stands in a circle.
 */
export class NamedTypes {
  readonly #known = new Map<string, Type>()
  readonly #open: string[] = []
  #names: ReadonlySet<string> = new Set()
  #read: (name: string) => Type | undefined = () => undefined
  #wrong: { readonly circle?: readonly string[] } | undefined

  /** The names, and how each is read. Called once, before the first look-up. */
  declare(names: Iterable<string>, read: (name: string) => Type | undefined): void {
    this.#names = new Set(names)
    this.#read = read
  }

  /** What was wrong with a name that was asked for since the last call: a circle, or a chain of names too long. */
  takeWrong(): { readonly circle?: readonly string[] } | undefined {
    const wrong = this.#wrong
    this.#wrong = undefined
    return wrong
  }

  readonly get = (name: string): Type | undefined => {
    const known = this.#known.get(name)
    if (known !== undefined || !this.#names.has(name)) return known
    const from = this.#open.indexOf(name)
    if (from >= 0 || this.#open.length >= TYPE_DEPTH_MAX) {
      this.#wrong = from >= 0 ? { circle: [...this.#open.slice(from), name] } : {}
      return T.unknown
    }
    this.#open.push(name)
    const type = this.#read(name) ?? T.unknown
    this.#open.pop()
    this.#known.set(name, type)
    return type
  }
}

/** A type, or undefined where it cannot be read (the problem is reported). */
export function typeOf(r: Reading, mark: Mark): Type | undefined {
  const type = shapeOf(r, mark)
  return type === undefined || !bounded(r, mark, type) ? undefined : type
}

function bounded(r: Reading, mark: Mark, type: Type): boolean {
  const { size, depth } = typeSize(type)
  if (size <= TYPE_SIZE_MAX && depth <= TYPE_DEPTH_MAX) return true
  refuse(
    r,
    mark,
    "G006",
    `The type unfolds to ${size > TYPE_SIZE_MAX ? `more than ${TYPE_SIZE_MAX} parts` : `more than ${TYPE_DEPTH_MAX} levels`}.`,
    "Say unknown for the part that nothing looks into.",
  )
  return false
}

function shapeOf(r: Reading, mark: Mark): Type | undefined {
  const { cell } = mark
  if (cell.kind === "list") {
    if (cell.items.length !== 1) {
      refuse(r, mark, "G008", `A list type has one item type, found ${cell.items.length}.`, "Write [T].")
      return undefined
    }
    const of = shapeOf(r, itemOf(mark, cell.items[0]!, 0))
    return of === undefined ? undefined : T.list(of)
  }
  if (cell.kind === "map") {
    const any = under(mark, "*")
    if (any === undefined) return recordOf(r, mark)
    if (cell.entries.size > 1) {
      refuse(r, mark, "G008", 'A map type has the key "*" alone; a record type has named keys.')
      return undefined
    }
    const of = shapeOf(r, any)
    return of === undefined ? undefined : T.map(of)
  }
  if (isEmpty(cell)) {
    refuse(r, mark, "G005", "A type is missing here.", "Write unknown where nothing is known.")
    return undefined
  }
  if (cell.value === null) return T.null
  const text = typeof cell.value === "string" ? cell.value : (cell.raw ?? String(cell.value))
  const read = parseType(text, r.named.get)
  if ("type" in read) return circular(r, mark) ? undefined : read.type
  refuseSpans(r, mark, 0, read.problems)
  return undefined
}

/** Reports a circle of names that reading this notation has come upon. */
function circular(r: Reading, mark: Mark): boolean {
  const wrong = r.named.takeWrong()
  if (wrong === undefined) return false
  if (wrong.circle === undefined) {
    refuse(r, mark, "G006", `More than ${TYPE_DEPTH_MAX} types lie inside one another here.`)
  } else {
    const [name] = wrong.circle
    const fix = "Say unknown at one place of the circle."
    refuse(r, mark, "G106", `The type ${name} contains itself: ${wrong.circle.join(" → ")}.`, fix)
  }
  return true
}

/** The fields of a record type; also the form of `input:`. */
export function recordOf(r: Reading, mark: Mark): Extract<Type, { kind: "record" }> {
  const fields: Record<string, Field> = {}
  for (const [key, part] of entriesOf(r, mark, "A record type")) {
    const optional = key.endsWith("?")
    const name = optional ? key.slice(0, -1) : key
    if (name === "" || name === "*") {
      refuseKey(r, part, "G008", `A field must have a name, found ${JSON.stringify(key)}.`)
      continue
    }
    if (Object.hasOwn(fields, name)) {
      refuseKey(r, part, "G003", `The field "${name}" is written twice.`, "Keep one of them.")
      continue
    }
    const before = r.session.problems.length
    const field = fieldOf(r, part)
    const told = r.session.problems.length > before
    if (told) fields[name] = field
    else if (optional && field.default !== undefined) {
      refuse(r, part, "G008", `The field "${name}" has a default, so it is never absent.`, `Write ${name} without "?".`)
    } else fields[name] = optional ? { ...field, optional } : field
  }
  return { kind: "record", fields }
}

/** What could not be read has been told: a field of type `never` fits wherever it is used, and need not be given. */
const BROKEN: Field = { type: T.never, default: null }

function fieldOf(r: Reading, mark: Mark): Field {
  const { cell } = mark
  if (cell.kind !== "scalar" || typeof cell.value !== "string") {
    const type = shapeOf(r, mark)
    return type === undefined ? BROKEN : { type }
  }
  const read = parseField(cell.value, r.named.get)
  if ("problems" in read) {
    refuseSpans(r, mark, 0, read.problems)
    return { ...BROKEN, ...(read.before === undefined ? {} : { type: read.before }) }
  }
  if (circular(r, mark)) return BROKEN
  return read.default === undefined ? { type: read.type } : { type: read.type, default: read.default }
}
