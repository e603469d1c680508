/**
 * What can be known of a SQL statement without a database: its parameters, whether it reads or writes, whether it is
 * one statement. A scanner, not a parser: it knows strings, quoted names, comments and parentheses, and no grammar.
 * The read-only connection is what keeps a read from writing; this only tells the author early.
 * Source: the SQLite tokenizer rules (sqlite.org/lang_expr.html, lang_comment.html, lang_keywords.html).
 */

export interface SqlShape {
  /** `other`: changes the schema or something unknown, so it counts as a write that must be spelled out. */
  readonly does: "read" | "write" | "schema" | "refused" | "nothing"
  /** First keyword, upper case. */
  readonly keyword: string
  /** Names of `:name` parameters, each once, in order of appearance. */
  readonly params: readonly string[]
  /** Parameters in another form (`?`, `?1`, `@a`, `$a`), as written. */
  readonly otherParams: readonly string[]
  /** Does the statement give rows back (a query, or `RETURNING`)? */
  readonly rows: boolean
  readonly statements: number
  /** A string, quoted name or comment that never ends. */
  readonly unfinished?: string
}

const READS = new Set(["SELECT", "VALUES", "EXPLAIN"])
const WRITES = new Set(["INSERT", "UPDATE", "DELETE", "REPLACE"])
const SCHEMA = new Set(["CREATE", "DROP", "ALTER", "REINDEX", "ANALYZE"])
/** These change the connection, reach other files, or leave a transaction open for the next caller. */
const REFUSED = new Set("ATTACH DETACH VACUUM PRAGMA BEGIN COMMIT END ROLLBACK SAVEPOINT RELEASE".split(" "))

type Token = { readonly kind: "word" | "param" | "other" | ";" | "(" | ")" | "mark"; readonly text: string }

/** Looks at the text of a statement. Never throws; linear in its length. */
export function shapeOf(sql: string): SqlShape {
  const { tokens, unfinished } = scan(sql)
  const params: string[] = []
  const otherParams: string[] = []
  let statements = 0
  let open = false
  let depth = 0
  let keyword = ""
  let deciding = ""
  let rows = false
  for (const t of tokens) {
    if (t.kind === ";") {
      open = false
      continue
    }
    if (!open) {
      open = true
      statements++
    }
    if (t.kind === "(") depth++
    else if (t.kind === ")") depth--
    else if (t.kind === "param" && !params.includes(t.text)) params.push(t.text)
    else if (t.kind === "other") otherParams.push(t.text)
    if (t.kind !== "word") continue
    const word = t.text.toUpperCase()
    if (keyword === "") keyword = word
    // After WITH, the first verb outside parentheses says what the whole statement does.
    if (deciding === "" && (word !== "WITH" || keyword !== "WITH") && depth === 0) {
      if (keyword !== "WITH" || READS.has(word) || WRITES.has(word)) deciding = word
    }
    if (word === "RETURNING" && depth === 0) rows = true
  }
  const does = READS.has(deciding)
    ? "read"
    : WRITES.has(deciding)
      ? "write"
      : REFUSED.has(keyword)
        ? "refused"
        : SCHEMA.has(deciding)
          ? "schema"
          : tokens.length === 0
            ? "nothing"
            : "refused"
  return {
    does,
    keyword,
    params,
    otherParams,
    rows: rows || does === "read",
    statements,
    ...(unfinished === undefined ? {} : { unfinished }),
  }
}

const WORD_START = /[A-Za-z_\u0080-\uffff]/
const WORD = /[A-Za-z0-9_$\u0080-\uffff]/

function scan(sql: string): { tokens: Token[]; unfinished?: string } {
  const tokens: Token[] = []
  let i = 0
  const through = (from: number, end: string): number => {
    const at = sql.indexOf(end, from)
    return at === -1 ? -1 : at + end.length
  }
  while (i < sql.length) {
    const c = sql[i]!
    if (c === "-" && sql[i + 1] === "-") {
      const next = through(i + 2, "\n")
      i = next === -1 ? sql.length : next
    } else if (c === "/" && sql[i + 1] === "*") {
      // SQLite lets a block comment run to the end of the input.
      const next = through(i + 2, "*/")
      i = next === -1 ? sql.length : next
    } else if (c === "'" || c === '"' || c === "`" || c === "[") {
      const close = c === "[" ? "]" : c
      let next = through(i + 1, close)
      while (next !== -1 && close !== "]" && sql[next] === close) next = through(next + 1, close)
      if (next === -1) return { tokens, unfinished: sql.slice(i, i + 20) }
      tokens.push({ kind: "mark", text: sql.slice(i, next) })
      i = next
    } else if (c === ":" || c === "@" || c === "$" || c === "?" || c === "#") {
      let end = i + 1
      while (end < sql.length && WORD.test(sql[end]!)) end++
      const name = sql.slice(i + 1, end)
      tokens.push(c === ":" && name !== "" ? { kind: "param", text: name } : { kind: "other", text: sql.slice(i, end) })
      i = end
    } else if (WORD_START.test(c)) {
      let end = i + 1
      while (end < sql.length && WORD.test(sql[end]!)) end++
      tokens.push({ kind: "word", text: sql.slice(i, end) })
      i = end
    } else if (c >= "0" && c <= "9") {
      let end = i + 1
      while (end < sql.length && /[0-9A-Za-z_.]/.test(sql[end]!)) end++
      tokens.push({ kind: "mark", text: sql.slice(i, end) })
      i = end
    } else {
      if (c === ";" || c === "(" || c === ")") tokens.push({ kind: c, text: c })
      else if (!/\s/.test(c)) tokens.push({ kind: "mark", text: c })
      i++
    }
  }
  return { tokens }
}
