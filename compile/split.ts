/**
 * Split operands from the operations that use them. Before: a tool carries the expression of its arguments, a choice its
 * test, a body its output. After: these are expressions of their own, so that they are shared, folded and fused like any
 * other, and every operation but an expression takes plain names. Right because evaluation order among pure expressions
 * means nothing, and each keeps the path of the node that it came from.
 */
import { type Expr, infer, ref, type Type } from "../graph/mod.ts"
import { bodiesOf, type Change, type Mid, type Op, type Pass, placeOf, touch } from "./mid.ts"

export const split: Pass = {
  name: "split",
  about: "give arguments, tests and outputs a name of their own",
  run(mid: Mid): Change[] {
    const changes: Change[] = []
    let outputs = 0
    for (const body of bodiesOf(mid)) {
      const out: Op[] = []
      for (const op of body.ops) {
        const before = out.length
        if (op.kind !== "expr") operands(op, mid, out)
        if (out.length > before) changes.push({ at: placeOf(op), what: "what it takes is an expression of its own" })
        out.push(op)
      }
      if (body.output.op !== "ref" || body.outputAccept !== undefined) {
        const name = `output${outputs++}`
        out.push(named(`#${name}`, body.output, body.outputAccept, body.path, mid))
        body.output = ref(`#${name}`)
        body.outputAccept = undefined
      }
      body.ops = out
    }
    return changes
  },
}

function operands(op: Op, mid: Mid, into: Op[]): void {
  if (op.kind === "catch" || op.kind === "enter") return
  const part = (name: string): Expr => {
    const { expr } = op
    const given = expr.op === "record" ? expr.fields.find((f) => f[0] === name)?.[1] : undefined
    const value = given ?? { op: "field", of: expr, name }
    return operand(`${op.name}.${name}.arg`, value, undefined, op, mid, into)
  }
  if (op.kind === "fold") {
    const over = part("over")
    op.expr = {
      op: "record",
      fields: [
        ["over", over],
        ["from", part("from")],
      ],
    }
  } else if (op.kind === "loop") op.expr = part("from")
  else op.expr = operand(`${op.name}.args`, op.expr, op.accept, op, mid, into)
  op.accept = undefined
  touch(op)
}

/** The operand as a name; what is a name already stays. */
function operand(name: string, expr: Expr, accept: Type | undefined, op: Op, mid: Mid, into: Op[]): Expr {
  if (expr.op === "ref" && accept === undefined) return expr
  into.push(named(name, expr, accept, op.path, mid))
  return ref(name)
}

function named(name: string, expr: Expr, accept: Type | undefined, path: readonly string[], mid: Mid): Op {
  const type = accept ?? infer(expr, mid.types).type
  mid.types.set(name, type)
  return {
    name,
    kind: "expr",
    path,
    expr,
    accept,
    type,
    tool: undefined,
    bodies: [],
    after: [],
    effect: "pure",
    touches: [],
    bound: 0,
  }
}
