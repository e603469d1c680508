// What can be named where an expression stands: names in scope, the fields inside them, and what a test has taught.
import { type Expr, ref, subtype, type Type } from "../../graph/mod.ts"
import type { Chance } from "./chance.ts"
import type { Atom } from "./teachings.ts"

export class Atoms {
  readonly #c: Chance
  readonly all: Atom[] = []

  constructor(c: Chance, names: ReadonlyMap<string, Type>) {
    this.#c = c
    for (const [name, type] of names) if (type.kind !== "stream") this.#know(ref(name), type, 3)
  }

  #know(expr: Expr, type: Type, depth: number): number {
    let n = this.all.push({ expr, type }) && 1
    if (type.kind === "record" && depth > 0) {
      for (const [name, f] of Object.entries(type.fields)) {
        if (f.optional !== true) n += this.#know({ op: "field", of: expr, name }, f.type, depth - 1)
      }
    }
    return n
  }

  /** Runs `make` while these are known besides. */
  with<A>(atoms: readonly Atom[], make: () => A): A {
    let n = 0
    for (const { expr, type } of atoms) n += this.#know(expr, type, 1)
    try {
      return make()
    } finally {
      this.all.splice(this.all.length - n, n)
    }
  }

  /** One whose value certainly is of the type, or one whose type is of a kind. */
  find(wanted: Type, kind?: Type["kind"]): Atom | undefined {
    const fitting = this.all.filter((a) =>
      kind === undefined ? subtype(a.type, wanted) === "yes" && a.type.kind !== "never" : a.type.kind === kind,
    )
    return fitting.length === 0 ? undefined : this.#c.of(fitting)
  }

  /** A field of the type that may be missing. */
  optionalField(t: Type): Expr | undefined {
    const found = this.all.flatMap((a) =>
      a.type.kind !== "record"
        ? []
        : Object.entries(a.type.fields)
            .filter(([, f]) => f.optional === true && subtype(f.type, t) === "yes")
            .map(([name]): Expr => ({ op: "field", of: a.expr, name, optional: true })),
    )
    return found.length === 0 ? undefined : this.#c.of(found)
  }
}
