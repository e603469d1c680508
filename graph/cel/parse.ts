/**
 * CEL text to expressions. The library's parser gives a syntax tree; here it becomes the IR's tree, one shape per
 * meaning, with positions kept beside it. Parts of CEL that graphs leave out are refused with what to write instead.
 * Source: the CEL language definition (github.com/google/cel-spec, doc/langdef.md).
 */
import type { ASTNode } from "@marcbachmann/cel-js"
import { at, type Expr, lit } from "../expr.ts"
import type { Code } from "../messages.ts"
import type { DType } from "../type.ts"
import { DTYPE_BYTES, Tensor, ValueError } from "../value.ts"
import { DEPTH_MAX, type ExprProblem, type Parsed, SOURCE_MAX } from "./bounds.ts"
import { one, syntax } from "./syntax.ts"

/** Reads one CEL expression. All problems come back at once; it never throws. */
export function parseCel(source: string): Parsed {
  return parseCelAt(source, 0)
}

/** As `parseCel`, for text that begins at `offset` of a larger one: spans are offsets there. */
export function parseCelAt(source: string, offset: number): Parsed {
  const whole = { start: offset, end: offset + source.length }
  if (source.length > SOURCE_MAX) {
    return one(
      "G006",
      `An expression may have ${SOURCE_MAX} characters, found ${source.length}.`,
      whole,
      "Name parts of it in `expr` nodes.",
    )
  }
  if (source.trim() === "") return one("G103", "An expression is missing here.", whole)
  const tree = syntax(source, offset)
  if ("problems" in tree) return tree
  const lift = new Lift(source, offset)
  const expr = lift.expr(tree.ast, 0)
  return lift.problems.length > 0 ? { problems: lift.problems } : { expr }
}

const BINARY = new Set(["+", "-", "*", "/", "%", "==", "!=", "<", "<=", ">", ">=", "in"])
const MACROS: { readonly [method: string]: Extract<Expr, { op: "each" }>["macro"] } = {
  map: "map",
  filter: "filter",
  all: "all",
  exists: "exists",
  exists_one: "exists_one",
  existsOne: "exists_one",
  sortBy: "sort_by",
  sumBy: "sum_by",
  transformList: "map",
}
/** Functions of CEL under the name they have here. */
const ALIASES: { readonly [name: string]: string } = { double: "number" }
/** Functions of CEL that graphs leave out, and what to write instead. */
const LEFT_OUT: { readonly [name: string]: string } = {
  dyn: "Leave dyn() out: values of unknown type need no mark.",
  type: "Say the type at the port (`output:`), or test with has().",
  int: "Write int64(trunc(x)), or trunc(x) to stay a number.",
  uint: "Write int64(x), or a number.",
  timestamp: "Keep times as text or milliseconds, and compute with dates in an fn node.",
  duration: "Keep spans of time as numbers, and compute with dates in an fn node.",
  getDate: "Compute with dates in an fn node.",
  getFullYear: "Compute with dates in an fn node.",
  ofNonZeroValue: "Write x == 0 ? null : x.",
  optMap: "Write x == null ? null : ….",
  optFlatMap: "Write x == null ? null : ….",
  bind: "Name the value in an expr node of its own.",
  transformMap: 'Write m.transformList(k, v, {"key": k, "value": …}).fromEntries().',
  transformMapEntry: 'Write m.transformList(k, v, {"key": …, "value": …}).fromEntries().',
  greatest: "Write max(a, b).",
  least: "Write min(a, b).",
}

/** Turns the parser's tree into ours. One object per source text; problems gather, a refused part becomes null. */
class Lift {
  readonly problems: ExprProblem[] = []
  readonly source: string
  readonly offset: number
  constructor(source: string, offset: number) {
    this.source = source
    this.offset = offset
  }

  refuse(code: Code, message: string, n: { start: number; end: number }, fix?: string): Expr {
    const span = { start: this.offset + n.start, end: this.offset + n.end }
    this.problems.push({ code, message, span, ...(fix === undefined ? {} : { fix }) })
    return lit(null)
  }

  put<E extends Expr>(e: E, n: ASTNode): E {
    return at(e, this.offset + n.start, this.offset + n.end)
  }

  /**
   * `depth` counts nesting as a reader sees it: a chain `a + b + c`, `a.b.c` or `a ? b : c ? d : e` is one level,
   * however long. The length of such a chain is bounded by the length of the source.
   */
  expr(n: ASTNode, depth: number): Expr {
    if (depth > DEPTH_MAX) {
      return this.problems.some((p) => p.code === "G006")
        ? lit(null)
        : this.refuse(
            "G006",
            `An expression may be nested ${DEPTH_MAX} levels deep.`,
            n,
            "Name parts of it in `expr` nodes.",
          )
    }
    switch (n.op) {
      case "value":
        return this.literal(n, false)
      case "id":
        return this.name(n)
      case ".":
      case ".?":
        return this.field(n, this.expr(n.args[0], depth), n.args[1], n.op === ".?")
      case "[]":
      case "[?]":
        return this.index(n, depth)
      case "call":
        return this.call(n, n.args[0], n.args[1], depth)
      case "rcall":
        return this.method(n, depth)
      case "list":
        return this.put({ op: "list", items: n.args.map((x) => this.expr(x, depth + 1)) }, n)
      case "map":
        return this.mapping(n, depth)
      case "?:": {
        const [test, yes, no] = n.args
        const e: Expr = {
          op: "if",
          test: this.expr(test, depth + 1),
          then: this.expr(yes, depth + 1),
          else: this.expr(no, depth),
        }
        return this.put(e, n)
      }
      case "||":
      case "&&": {
        const op = n.op === "||" ? "or" : "and"
        return this.put({ op, left: this.expr(n.args[0], depth), right: this.expr(n.args[1], depth + 1) }, n)
      }
      case "!_":
        return this.put({ op: "call", fn: "!", args: [this.expr(n.args, depth + 1)] }, n)
      case "-_":
        if (n.args.op === "value") return this.literal(n.args, true, n)
        if (n.args.op === "id" && n.args.args === "Infinity") return this.put(lit(Number.NEGATIVE_INFINITY), n)
        return this.put({ op: "call", fn: "neg", args: [this.expr(n.args, depth + 1)] }, n)
      default: {
        if (!BINARY.has(n.op)) return this.refuse("G103", `The operator ${n.op} is not part of graphs.`, n)
        const [left, right] = n.args
        return this.put({ op: "call", fn: n.op, args: [this.expr(left, depth), this.expr(right, depth + 1)] }, n)
      }
    }
  }

  literal(n: ASTNode & { op: "value" }, negative: boolean, whole: ASTNode = n): Expr {
    const v = n.args
    if (typeof v === "bigint" || typeof v === "number") {
      const x = negative ? -Number(v) : Number(v)
      if (typeof v === "bigint" && !Number.isSafeInteger(x)) {
        const digits = `${negative ? "-" : ""}${v}`
        return this.refuse(
          "G103",
          `A number has 53 bits: ${digits} would lose digits.`,
          whole,
          `Write int64(${digits}), or ${digits}.0 for the nearest number.`,
        )
      }
      return this.put(lit(x), whole)
    }
    if (negative) return this.put({ op: "call", fn: "neg", args: [this.literal(n, false)] }, whole)
    if (v instanceof Uint8Array) {
      const text = this.source.slice(n.start, n.end)
      if (/[^\0-\x7f]/.test(text))
        return this.refuse(
          "G103",
          "Bytes are written in ASCII and \\x escapes.",
          n,
          'Write bytes("…") for the UTF-8 bytes of a text.',
        )
      return this.put(lit(v.slice()), n)
    }
    if (typeof v === "string") return this.put(lit(v.toWellFormed()), n)
    if (v === null || typeof v === "boolean") return this.put(lit(v), n)
    return this.refuse("G103", "Graphs have no unsigned integers.", n, "Leave the u out.")
  }

  name(n: ASTNode & { op: "id" }): Expr {
    if (n.args === "NaN") return this.put(lit(Number.NaN), n)
    if (n.args === "Infinity") return this.put(lit(Number.POSITIVE_INFINITY), n)
    return this.put({ op: "ref", name: n.args }, n)
  }

  field(n: ASTNode, of: Expr, name: string, optional: boolean): Expr {
    if (name === "__proto__") return this.refuse("G004", `"__proto__" is no field of any value.`, n)
    return this.put(optional ? { op: "field", of, name, optional } : { op: "field", of, name }, n)
  }

  /** `of["name"]` is `of.name`: one shape per meaning. */
  index(n: ASTNode & { op: "[]" | "[?]" }, depth: number): Expr {
    const [left, key] = n.args
    const of = this.expr(left, depth)
    const optional = n.op === "[?]"
    if (key.op === "value" && typeof key.args === "string") return this.field(n, of, key.args, optional)
    const where = this.expr(key, depth + 1)
    return this.put(optional ? { op: "index", of, at: where, optional } : { op: "index", of, at: where }, n)
  }

  mapping(n: ASTNode & { op: "map" }, depth: number): Expr {
    const computed = n.args.some(([k]) => k.op !== "value")
    const seen = new Set<string>()
    const entries = n.args.map(([k, v]): [Expr, Expr] => {
      const value = this.expr(v, depth + 1)
      if (k.op === "value") {
        if (typeof k.args !== "string") this.refuse("G103", "Keys of a record are text.", k, "Write the key in quotes.")
        else if (k.args === "__proto__") this.refuse("G004", `"__proto__" is no field of any value.`, k)
        else if (seen.has(k.args)) this.refuse("G003", `The key ${JSON.stringify(k.args)} comes twice.`, k)
        else seen.add(k.args)
      } else if (k.op === "id" && !this.inParentheses(k)) {
        this.refuse(
          "G103",
          `The bare key ${k.args} could be the text or a name in scope.`,
          k,
          `Write "${k.args}": for the field, (${k.args}): for the value of ${k.args}.`,
        )
      }
      return [this.expr(k, depth + 1), value]
    })
    if (computed) return this.put({ op: "map", entries }, n)
    return this.put(
      { op: "record", fields: entries.map(([k, v]) => [k.op === "const" ? String(k.value) : "", v] as const) },
      n,
    )
  }

  /** Parentheses leave no trace in the tree, only in the text. */
  inParentheses(n: ASTNode): boolean {
    return /\(\s*$/.test(this.source.slice(Math.max(0, n.start - 64), n.start))
  }

  method(n: ASTNode & { op: "rcall" }, depth: number): Expr {
    const [name, receiver, args] = n.args
    if (receiver.op === "id" && receiver.args === "optional" && name === "of" && args.length === 1)
      return this.expr(args[0]!, depth)
    if (receiver.op === "id" && receiver.args === "optional" && name === "none" && args.length === 0)
      return this.put(lit(null), n)
    if (name === "or" && args.length === 1) return this.call(n, "orValue", [receiver, ...args], depth)
    const macro = Object.hasOwn(MACROS, name) ? MACROS[name] : undefined
    return macro === undefined ? this.call(n, name, [receiver, ...args], depth) : this.macro(n, macro, depth)
  }

  /** `xs.map(x, e)`, `xs.map(x, p, e)`, `xs.all(i, x, p)`, `xs.transformList(i, x, p, e)`. */
  macro(n: ASTNode & { op: "rcall" }, macro: Extract<Expr, { op: "each" }>["macro"], depth: number): Expr {
    const [name, receiver, args] = n.args
    const two = name === "transformList" || (name !== "map" && args.length === 3)
    const names = args.slice(0, two ? 2 : 1)
    const bodies = args.slice(two ? 2 : 1)
    const filtered = macro === "map" && bodies.length === 2
    if (bodies.length !== (filtered ? 2 : 1)) {
      return this.refuse(
        "G103",
        `${name} takes a variable and an expression, found ${args.length} arguments.`,
        n,
        `Write xs.${name}(${name === "transformList" ? "i, x" : "x"}, …).`,
      )
    }
    const [first, second] = names.map((v) => this.variable(v))
    const item = (two ? second : first) ?? ""
    const bind = two && first !== undefined ? { item, index: first } : { item }
    if (bind.index === item) this.refuse("G003", `The macro names two variables "${item}".`, names[1]!)
    const over = this.expr(receiver, depth)
    const body = (b: ASTNode) => this.expr(b, depth + 1)
    if (!filtered) return this.put({ op: "each", macro, over, ...bind, body: body(bodies[0]!) }, n)
    const kept = at(
      { op: "each", macro: "filter", over, ...bind, body: body(bodies[0]!) } satisfies Expr,
      this.offset + n.start,
      this.offset + n.end,
    )
    if (two)
      return this.refuse(
        "G103",
        "A filter in transformList would change the positions.",
        n,
        `Write xs.filter(${first}, ${second}, …) first.`,
      )
    return this.put({ op: "each", macro, over: kept, ...bind, body: body(bodies[1]!) }, n)
  }

  variable(n: ASTNode): string | undefined {
    if (n.op === "id" && n.args !== "NaN" && n.args !== "Infinity") return n.args
    this.refuse("G103", "A macro's variable is a plain name.", n)
    return undefined
  }

  call(n: ASTNode, name: string, args: readonly ASTNode[], depth: number): Expr {
    if (name === "has") return this.has(n, args, depth)
    if (name === "int64" && args.length === 1) {
      // A literal beyond 2^53 keeps its digits. Smaller ones stay a call: in canonical bytes 7 and int64 7 are one
      // constant, and the two must not become one expression.
      const exact = wholeNumber(args[0]!)
      if (exact !== undefined && !Number.isSafeInteger(Number(exact))) {
        if (BigInt.asIntN(64, exact) === exact) return this.put(lit(exact), n)
        return this.refuse("G103", `${exact} does not fit an int64 (−2^63 to 2^63−1).`, n)
      }
    }
    if (name === "tensor") return this.tensor(n, args)
    if (Object.hasOwn(LEFT_OUT, name)) {
      return this.refuse("G103", `Graphs leave out ${name}().`, n, LEFT_OUT[name])
    }
    const given = args.map((a, i) => this.expr(a, i === 0 && n.op === "rcall" ? depth : depth + 1))
    if (name === "text") return this.put({ op: "text", parts: given }, n)
    return this.put({ op: "call", fn: Object.hasOwn(ALIASES, name) ? ALIASES[name]! : name, args: given }, n)
  }

  has(n: ASTNode, args: readonly ASTNode[], depth: number): Expr {
    const [a] = args
    if (args.length === 1 && a !== undefined) {
      if (a.op === "." || a.op === ".?")
        return this.put({ op: "has", of: this.expr(a.args[0], depth + 1), name: a.args[1] }, n)
      if ((a.op === "[]" || a.op === "[?]") && a.args[1].op === "value" && typeof a.args[1].args === "string") {
        return this.put({ op: "has", of: this.expr(a.args[0], depth + 1), name: a.args[1].args }, n)
      }
    }
    return this.refuse("G103", "has() asks for a field: has(a.b).", n, a?.op === "[]" ? "Write key in map." : undefined)
  }

  /** `tensor("f32", [2], b"…")`: how a tensor constant is written, so that every value has a text. */
  tensor(n: ASTNode, args: readonly ASTNode[]): Expr {
    const [dtype, shape, data] = args.map((a) => a.args)
    const dims =
      args[1]?.op === "list" ? args[1].args.map((d) => (d.op === "value" ? Number(d.args) : Number.NaN)) : undefined
    if (
      typeof dtype === "string" &&
      Object.hasOwn(DTYPE_BYTES, dtype) &&
      shape !== undefined &&
      dims !== undefined &&
      data instanceof Uint8Array
    ) {
      try {
        return this.put(lit(new Tensor(dtype as DType, dims, data.slice())), n)
      } catch (cause) {
        if (cause instanceof ValueError) return this.refuse("G103", `${cause.message}.`, n)
        throw cause
      }
    }
    return this.refuse("G103", `A tensor is written tensor("f32", [2], b"…").`, n)
  }
}

/** An integer literal, exactly, with its sign. */
function wholeNumber(n: ASTNode): bigint | undefined {
  if (n.op === "value" && typeof n.args === "bigint") return n.args
  if (n.op === "-_" && n.args.op === "value" && typeof n.args.args === "bigint") return -n.args.args
  return undefined
}
