/**
 * The node kind `sql`: one parameterised statement on a declared database. The text of the statement is static, so
 * values reach the database as parameters and never as SQL; the shape of the answer (rows, one row, one value) follows
 * the output type. Reads run on a connection that cannot write.
 */
import {
  type Executor,
  type Expr,
  fail,
  isRecord,
  type NodeKind,
  type NodeView,
  printType,
  type Signature,
  type SignatureProblem,
  type SqlDatabase,
  T,
  type Type,
  type Value,
} from "../graph/mod.ts"
import { need } from "./lack.ts"
import { type SqlShape, shapeOf } from "./sql-text.ts"

/** What a parameter may be, and what a cell may be: a whole number is a number, beyond 2^53 an int64. */
const SCALAR = T.union(T.null, T.boolean, T.number, T.int64, T.string, T.bytes)
const CELL = T.union(T.null, T.number, T.int64, T.string, T.bytes)
const ROW = T.map(CELL)
const CHANGES = T.record({ changes: T.number, last_row_id: T.number })
/** Milliseconds a statement waits for another connection's lock before it fails with `Locked`. It blocks the thread. */
const BUSY_MS = 500

export const sql: NodeKind = {
  kind: "sql",
  about: "Runs one parameterised SQL statement on a database that the file declares.",
  main: { form: "static", type: T.string, required: true, about: "The database, by its name under `databases:`." },
  fields: {
    query: {
      form: "static",
      type: T.string,
      required: true,
      about: "One statement. Values come in as `:name` parameters from `with:`, never as text.",
    },
    effect: {
      form: "static",
      type: T.enum("read", "write"),
      about: "Only where the statement does not say it: `write` for one that changes the schema.",
    },
    one: { form: "static", type: T.boolean, about: "Gives the only row instead of a list of rows." },
  },
  takesWith: true,
  moved: {
    section: "databases",
    declared: (declared, from) => {
      const file = fileOf(declared)
      return file === undefined || file.startsWith(":") ? declared : `sqlite:${from(file)}`
    },
  },
  sign,
  open: async (config, resources, services, signature) => {
    const name = String(config["sql"])
    const file = fileOf(resources["databases"]?.[name])
    if (file === undefined) throw fail("Unavailable", `Cannot open database "${name}": it is not declared`)
    const sqlite = need(services.sqlite, `open database "${name}"`, "SQLite")
    const shape = shapeOf(String(config["query"]))
    const readOnly = signature.effect === "read"
    return executor(await sqlite.open(file, { readOnly, busyMs: BUSY_MS }), String(config["query"]), shape, signature)
  },
}

/** The path in `sqlite:<path>`, or undefined where the declaration is something else. */
const fileOf = (declared: Value | undefined): string | undefined =>
  typeof declared === "string" && declared.startsWith("sqlite:") && declared.length > 7 ? declared.slice(7) : undefined

function sign(node: NodeView): Signature | readonly SignatureProblem[] {
  const name = String(node.config["sql"])
  const query = String(node.config["query"])
  const shape = shapeOf(query)
  const problems = [
    ...databaseProblems(name, node.resources["databases"]),
    ...textProblems(query, shape),
    ...paramProblems(shape, node.args),
  ]
  const said = node.config["effect"]
  const effect = shape.does === "read" && said !== "write" ? "read" : "write"
  if (said === "read" && effect === "write") {
    problems.push({
      code: "G207",
      key: "effect",
      message: `\`effect: read\` does not fit a statement that starts with ${shape.keyword}: it writes.`,
      fix: "Leave `effect:` out.",
    })
  }
  if (shape.does === "schema" && said !== "write") {
    problems.push({
      code: "G207",
      key: "query",
      message: `${shape.keyword} changes the schema, which a node does only when it says so.`,
      fix: "Write `effect: write` beside the query, or change the schema outside the graph.",
    })
  }
  const output = outputOf(node, shape)
  if ("code" in output) problems.push(output)
  if (problems.length > 0) return problems
  return {
    effect,
    resource: `db:${name}`,
    needs: [`sql:${name}:${effect}`],
    input: T.record(Object.fromEntries(shape.params.map((p) => [p, SCALAR]))),
    output: output as Type,
    async: false,
  }
}

function databaseProblems(name: string, declared: { readonly [name: string]: Value } | undefined): SignatureProblem[] {
  if (declared === undefined || !Object.hasOwn(declared, name)) {
    const have = Object.keys(declared ?? {})
    return [
      {
        code: "G202",
        key: "sql",
        message: `No database is called "${name}".${have.length > 0 ? ` The file declares: ${have.join(", ")}.` : ""}`,
        fix: `Declare it: databases: { ${name}: sqlite:./${name}.db }`,
      },
    ]
  }
  if (fileOf(declared[name]) !== undefined) return []
  return [
    {
      code: "G207",
      key: "sql",
      message: `Database "${name}" is declared as ${JSON.stringify(declared[name])}, wanted sqlite:<path>.`,
      fix: `Write ${name}: sqlite:./${name}.db`,
    },
  ]
}

function textProblems(query: string, shape: SqlShape): SignatureProblem[] {
  const problems: SignatureProblem[] = []
  const refuse = (message: string, fix: string) => problems.push({ code: "G207", key: "query", message, fix })
  if (shape.unfinished !== undefined)
    refuse(`The query has ${JSON.stringify(shape.unfinished)}… that never ends.`, "Close the quote.")
  else if (shape.does === "nothing") refuse("The query is empty.", "Write one statement.")
  else if (shape.statements > 1) {
    refuse(
      `The query holds ${shape.statements} statements, wanted one.`,
      "Make a node of each, with `after:` for the order.",
    )
  } else if (shape.does === "refused") {
    refuse(
      `${shape.keyword || "This text"} is refused: wanted a query, INSERT, UPDATE, DELETE, REPLACE or a schema change.`,
      "A node is one statement, committed by itself; it cannot change the connection or reach other files.",
    )
  }
  if (query.includes("${")) {
    refuse(
      "A query takes no insertions: text put into SQL can be SQL.",
      "Write :name in the query, and name under `with:`.",
    )
  } else if (shape.otherParams.length > 0) {
    refuse(
      `The query has ${shape.otherParams.join(", ")}; parameters are written :name.`,
      "Name it, and give it under `with:`.",
    )
  }
  return problems
}

function paramProblems(shape: SqlShape, args: { readonly [name: string]: Expr }): SignatureProblem[] {
  const given = Object.keys(args)
  const missing = shape.params.filter((p) => !given.includes(p))
  const extra = given.filter((g) => !shape.params.includes(g))
  return [
    ...missing.map(
      (p): SignatureProblem => ({
        code: "G005",
        key: given.length > 0 ? "with" : "query",
        message: `The query uses :${p}, and \`with:\` does not give it.`,
        fix: `Write ${p}: under \`with:\`.`,
      }),
    ),
    ...extra.map(
      (g): SignatureProblem => ({
        code: "G002",
        key: `with.${g}`,
        message: `The query has no parameter :${g}. It has: ${shape.params.map((p) => `:${p}`).join(", ") || "none"}.`,
        fix: "Use it in the query, or take it out.",
      }),
    ),
  ]
}

/**
 * The type of what certainly comes out. Its shape (rows, a row or none, a row, a value) is the declared output's; what
 * columns there are and what they hold only the database knows, so every answer is checked when it arrives.
 */
function outputOf(node: NodeView, shape: SqlShape): Type | SignatureProblem {
  const declared = node.output
  const one = node.config["one"] === true
  if (!shape.rows) return CHANGES
  if (declared === undefined || declared.kind === "unknown") return one ? ROW : T.list(ROW)
  const wanted = printType(declared)
  if (one && declared.kind === "list") {
    return { code: "G207", key: "one", message: `\`one: true\` gives a row, but \`output:\` is ${wanted}.` }
  }
  const inner = declared.kind === "list" ? declared.of : declared
  const fields = inner.kind === "record" ? Object.values(inner.fields).map((f) => f.type.kind) : [inner.kind]
  if (fields.includes("boolean")) {
    return {
      code: "G101",
      key: "output",
      message: "SQLite has no booleans, so no column can be one.",
      fix: "Write number, and compare where you use it: row.active == 1.",
    }
  }
  const item = itemOf(inner)
  if (item !== undefined) return inner === declared ? item : T.list(item)
  return {
    code: "G101",
    key: "output",
    message: `Rows cannot become ${wanted}.`,
    fix: "Write a list of records, one record, or one scalar.",
  }
}

/** A row where a record is wanted, a cell where a scalar is; undefined for what neither can be. */
function itemOf(wanted: Type): Type | undefined {
  const members = wanted.kind === "union" ? wanted.of : [wanted]
  const rest = members.filter((t) => t.kind !== "null")
  if (rest.length > 0 && rest.every((t) => t.kind === "record" || t.kind === "map" || t.kind === "unknown")) {
    return rest.length === members.length ? ROW : T.union(ROW, T.null)
  }
  return rest.every((t) => SCALARS.has(t.kind)) ? CELL : undefined
}
const SCALARS: ReadonlySet<Type["kind"]> = new Set(["number", "int64", "string", "enum", "bytes"])

function executor(db: SqlDatabase, query: string, shape: SqlShape, signature: Signature): Executor {
  const output = signature.output
  const close = async () => db.close()
  if (!shape.rows) {
    return {
      execute: (args) => {
        const { changes, lastRowId } = db.run(query, bind(args))
        return { changes, last_row_id: lastRowId }
      },
      close,
    }
  }
  const list = output.kind === "list"
  const item = list ? output.of : output
  const take =
    item.kind === "map" || (item.kind === "union" && item.of.some((t) => t.kind === "map")) ? rowOf : onlyCellOf
  if (list) return { execute: (args) => db.all(query, bind(args)).map(take), close }
  const orNull = take === rowOf && item.kind === "union"
  return {
    execute: (args) => {
      const rows = db.all(query, bind(args))
      if (rows.length === 1) return take(rows[0]!)
      if (rows.length === 0 && orNull) return null
      throw fail(
        rows.length === 0 ? "NoRow" : "ManyRows",
        `Cannot give one row of the query: it found ${rows.length}`,
        // A statement that wrote and gave rows has done so; one that gave none is refused.
        {
          data: { rows: rows.length },
          ...(signature.effect === "read" ? { undelivered: true } : rows.length > 0 ? { undelivered: false } : {}),
        },
      )
    },
    close,
  }
}

/** Parameters as SQLite takes them: it has no booleans, and stores NaN as NULL, which would lose it silently. */
function bind(args: Value): { readonly [name: string]: Value } {
  const out: Record<string, Value> = {}
  if (!isRecord(args)) return out
  for (const name of Object.keys(args)) {
    const v = args[name]!
    if (typeof v === "boolean") out[name] = v ? 1n : 0n
    else if (typeof v === "number") {
      if (Number.isNaN(v)) {
        throw fail("Refused", `Cannot give :${name} to the query: it is NaN, which SQL does not have`, {
          data: { reason: "NaN", place: name },
          undelivered: true,
        })
      }
      // A whole number is bound as INTEGER: as REAL it would print as 3.0 in text and JSON.
      out[name] = Number.isSafeInteger(v) && !Object.is(v, -0) ? BigInt(v) : v
    } else out[name] = v
  }
  return out
}

type Row = { readonly [column: string]: Value }

/** Without a prototype: a column may be called anything. */
function rowOf(row: Row): Value {
  const out: Record<string, Value> = Object.create(null)
  for (const column of Object.keys(row)) out[column] = cell(row[column]!)
  return out
}

function onlyCellOf(row: Row): Value {
  const columns = Object.keys(row)
  if (columns.length === 1) return cell(row[columns[0]!]!)
  throw fail("ManyColumns", `Cannot give one value of the row: it has columns ${columns.join(", ")}`, {
    data: { columns },
  })
}

/** Whole numbers come as bigint, so that none is rounded on the way; those that a number holds exactly are numbers. */
function cell(v: Value): Value {
  if (typeof v !== "bigint") return v
  const n = Number(v)
  return Number.isSafeInteger(n) ? n : v
}
