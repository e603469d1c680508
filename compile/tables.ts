/**
 * The tables of a plan while it is being made: types, constants and externs, each once, numbered in the order in which
 * they are first asked for, so that the same graph gives the same numbers.
 */
import { encode, hex, sha256, type Type, typeOfValue, type Value } from "../graph/mod.ts"
import type { Constant, Extern } from "../plan/mod.ts"
import type { Tool } from "./mid.ts"

export class Tables {
  readonly types: Type[] = []
  readonly constants: Constant[] = []
  readonly externs: Extern[] = []
  readonly #typeByObject = new WeakMap<Type, number>()
  readonly #types = new Map<string, number>()
  readonly #constants = new Map<string, number>()
  readonly #externs = new Map<string, number>()
  readonly #paths = new Map<string, number>()

  type(type: Type): number {
    const known = this.#typeByObject.get(type)
    if (known !== undefined) return known
    const index = intern(this.#types, keyOf(type as unknown as Value), () => this.types.push(type) - 1)
    this.#typeByObject.set(type, index)
    return index
  }

  constant(value: Value, type: Type = typeOfValue(value)): number {
    const key = `${this.type(type)}:${simple(value) ?? keyOf(value)}`
    return intern(this.#constants, key, () => this.constants.push({ type: this.type(type), value }) - 1)
  }

  text(value: string): number {
    return this.constant(value, STRING)
  }
  texts(values: readonly string[]): number {
    const key = values.join("\u0000")
    return intern(this.#paths, `${values.length}:${key}`, () => this.constant(values, STRINGS))
  }

  extern(tool: Tool, input: Type): number {
    const extern: Extern = {
      kind: tool.kind,
      config: tool.config,
      effect: tool.effect,
      resource: tool.resource,
      needs: tool.needs,
      input: this.type(input),
      output: this.type(tool.output),
      async: tool.async,
      settings: tool.settings,
    }
    return intern(
      this.#externs,
      `${tool.within} ${keyOf(extern as unknown as Value)}`,
      () => this.externs.push(extern) - 1,
    )
  }
}

const STRING: Type = { kind: "string" }
const STRINGS: Type = { kind: "list", of: STRING }

function intern(table: Map<string, number>, key: string, make: () => number): number {
  const known = table.get(key)
  if (known !== undefined) return known
  const index = make()
  table.set(key, index)
  return index
}

/** Numbers, words and booleans without a digest; `-0` and NaN stay apart from what looks like them. */
const simple = (v: Value): string | undefined =>
  typeof v === "number"
    ? `n${Object.is(v, -0) ? "-0" : v}`
    : typeof v === "string"
      ? `s${v}`
      : typeof v === "boolean" || v === null
        ? `b${v}`
        : undefined
const keyOf = (v: Value): string => hex(sha256(encode(v)))
