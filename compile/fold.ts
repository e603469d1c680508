/**
 * Fold constants. Before: expressions as written. After: every part that depends on nothing is a constant, a name that
 * only stands for another name or for a constant is replaced by it, a field of a record that is in sight is the field
 * itself, and a choice on a constant is the side it takes. Right because only what certainly succeeds is replaced: a part
 * that fails when it is evaluated here stays, so that it fails in the run, at its own node.
 */
import "../graph/patterns/mod.ts"
import {
  type Expr,
  evaluate,
  freeNames,
  infer,
  isRecord,
  lit,
  parts,
  sameType,
  subtype,
  type Value,
  withParts,
} from "../graph/mod.ts"
import { type Body, bodiesOf, type Change, isOperand, type Mid, type Op, type Pass, placeOf } from "./mid.ts"
import { substitute } from "./rename.ts"

/** Steps that one fold may take, and members that a folded value may have: folding must not become a computation. */
const FUEL = 10_000
const MEMBERS_MAX = 1_000

export const fold: Pass = {
  name: "fold",
  about: "evaluate what depends on nothing, and see through names and records",
  run(mid: Mid): Change[] {
    const changes: Change[] = []
    const known = new Map<string, Expr>()
    for (const body of bodiesOf(mid)) foldBody(body, mid, known, changes)
    return changes
  },
}

function foldBody(body: Body, mid: Mid, known: Map<string, Expr>, changes: Change[]): void {
  const see = (e: Expr): Expr =>
    simplify(
      substitute(e, (name) => seen(known.get(name))),
      known,
    )
  // What an operation takes by name stays a name, whatever is known of it.
  const follow = (e: Expr): Expr => substitute(e, (name) => aliased(known.get(name)))
  for (const op of body.ops) {
    const was = op.expr
    op.expr = op.kind === "expr" ? sound(see(was), op, mid) : follow(was)
    if (op.expr !== was && op.expr.op === "const" && was.op !== "const") {
      changes.push({
        at: placeOf(op),
        what: `${isOperand(op) ? "takes" : "is"} the constant ${show(op.expr.value)}`,
      })
    }
    if (op.kind !== "expr" || op.accept !== undefined || op.after.length > 0 || !isPlain(op.expr)) continue
    // A name that stands for another one under a wider type is a name of its own.
    if (op.expr.op !== "ref" || sameType(mid.types.get(op.name)!, mid.types.get(op.expr.name)!))
      known.set(op.name, op.expr)
  }
  body.output = follow(body.output)
}

/**
 * What was folded, where the checker would have taken it for the same. With a constant in its place a part may be of a type
 * that nothing takes (it fails when it runs, at its own node); and large constants have a wider type than their parts.
 */
function sound(folded: Expr, op: Op, mid: Mid): Expr {
  if (folded === op.expr) return folded
  const { type, problems } = infer(folded, mid.types)
  if (problems.some((p) => p.severity !== "warning")) return op.expr
  return op.accept !== undefined || subtype(type, mid.types.get(op.name)!) === "yes" ? folded : op.expr
}

/** What is worth remembering of a name: another name, a constant, or a record of such. */
const isTrivial = (e: Expr): boolean => e.op === "ref" || e.op === "const"
const isPlain = (e: Expr): boolean => isTrivial(e) || (e.op === "record" && e.fields.every((f) => isTrivial(f[1])))

/** A name is replaced where it stands only by another name or a small constant; a record is looked into, not copied. */
const seen = (e: Expr | undefined): Expr | undefined =>
  e === undefined ? undefined : e.op === "ref" || (e.op === "const" && small(e.value)) ? e : undefined
const aliased = (e: Expr | undefined): Expr | undefined => (e?.op === "ref" ? e : undefined)
const small = (v: Value): boolean => typeof v !== "object" || v === null

function simplify(e: Expr, known: ReadonlyMap<string, Expr>): Expr {
  const x = withParts(e, (p) => simplify(p, known))
  if (x.op === "field" && x.of.op === "ref" && !x.optional) {
    const record = known.get(x.of.name)
    const value = record?.op === "record" ? record.fields.find((f) => f[0] === x.name)?.[1] : undefined
    if (value !== undefined) return value
  }
  if (x.op === "if" && x.test.op === "const" && typeof x.test.value === "boolean") return x.test.value ? x.then : x.else
  if (x.op === "and" && x.left.op === "const" && x.left.value === false) return x.left
  if (x.op === "or" && x.left.op === "const" && x.left.value === true) return x.left
  if (!closed(x)) return x
  try {
    const value = evaluate(x, () => null, { left: FUEL })
    return members(value) <= MEMBERS_MAX ? lit(value) : x
  } catch {
    // It fails on every run, too; there it has a path and may be caught.
    return x
  }
}

function closed(e: Expr): boolean {
  if (e.op === "const" || e.op === "ref") return false
  if (e.op === "each") return e.over.op === "const" && freeNames(e).size === 0
  const inner = parts(e)
  return inner.every((p) => p.op === "const")
}

function members(v: Value, left = MEMBERS_MAX + 1): number {
  if (v === undefined) return MEMBERS_MAX + 1
  // An int64 within the safe integers has the bytes of a number: as a constant it would come back as one.
  if (typeof v === "bigint") return MEMBERS_MAX + 1
  if (typeof v !== "object" || v === null) return 1
  if (!Array.isArray(v) && !isRecord(v)) return 1
  let n = 1
  for (const x of Object.values(v as object)) {
    n += members(x as Value, left - n)
    if (n > left) return n
  }
  return n
}

const show = (v: Value): string => {
  const text = JSON.stringify(v, (_, x) => (typeof x === "bigint" ? `${x}` : x)) ?? "nothing"
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}
