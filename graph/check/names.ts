/**
 * Names in scope, as a chain: a body sees its own names and those around it. A chain, because a graph of 100,000 nodes
 * with a body in each must not copy 100,000 names each time.
 */
import type { Type } from "../type.ts"

export class Names implements ReadonlyMap<string, Type> {
  readonly own = new Map<string, Type>()
  readonly outer: Names | undefined

  /** Nodes whose types may not be known yet: not to be found, but to be offered for a misspelt name. */
  readonly #foreseen: readonly { readonly name: string }[]

  constructor(outer?: Names, foreseen: readonly { readonly name: string }[] = []) {
    this.outer = outer
    this.#foreseen = foreseen
  }

  get(name: string): Type | undefined {
    for (let at: Names | undefined = this; at !== undefined; at = at.outer) {
      const type = at.own.get(name)
      if (type !== undefined) return type
    }
    return undefined
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  set(name: string, type: Type): void {
    this.own.set(name, type)
  }

  get size(): number {
    return this.own.size + (this.outer?.size ?? 0)
  }

  *entries(): MapIterator<[string, Type]> {
    yield* this.own.entries()
    if (this.outer !== undefined) yield* this.outer.entries()
  }

  *keys(): MapIterator<string> {
    for (const name of this.own.keys()) yield name
    for (const { name } of this.#foreseen) if (!this.own.has(name)) yield name
    if (this.outer !== undefined) yield* this.outer.keys()
  }

  *values(): MapIterator<Type> {
    for (const [, type] of this.entries()) yield type
  }

  forEach(use: (type: Type, name: string, map: ReadonlyMap<string, Type>) => void): void {
    for (const [name, type] of this.entries()) use(type, name, this)
  }

  [Symbol.iterator](): MapIterator<[string, Type]> {
    return this.entries()
  }
}
