/**
 * YAML as cells: the part of YAML 1.2 that graph files use. Anchors, aliases, tags and directives are refused, since a
 * file is data of its own size and means what stands there. The npm `yaml` parser does the reading in two steps, so that
 * depth and size are known before anything recurses.
 */
import { Composer, type CST, isMap, isScalar, isSeq, type ParsedNode, Parser, type YAMLError } from "yaml"
import {
  CELL_DEPTH_MAX,
  type Cell,
  type Entry,
  FORBIDDEN_KEY,
  type FormProblem,
  formProblem,
  isInexact,
  type Parsed,
  type Scalar,
  type Style,
} from "./source.ts"

/** Syntax problems beyond this many are consequences of the first ones. */
const SYNTAX_PROBLEMS_MAX = 10

export function parseYaml(text: string): Parsed {
  const problems: FormProblem[] = []
  const tokens: CST.Token[] = []
  for (const token of new Parser().parse(text)) tokens.push(token)
  if (!inspect(tokens, problems)) return { problems }
  // Keys are compared here, with a Set: the library compares each pair.
  const composer = new Composer({ uniqueKeys: false, prettyErrors: false, keepSourceTokens: false, logLevel: "silent" })
  const documents = [...composer.compose(tokens)]
  const [document, second] = documents
  if (document === undefined || document.contents === null) {
    return { problems: [...problems, { code: "G001", start: 0, end: 1, message: "The file is empty." }] }
  }
  if (second !== undefined) {
    const start = second.range[0]
    problems.push({
      code: "G001",
      start,
      end: start + 3,
      message: "A graph file holds one document; a second starts here.",
    })
  }
  const errors = [...document.errors, ...document.warnings].filter(({ code }) => code !== "TAG_RESOLVE_FAILED")
  problems.push(...syntaxProblems(errors, text))
  if (errors.length > 0) return { problems }
  const root = cellOf(document.contents as ParsedNode, text, problems)
  return { root, problems }
}

/**
 * Walks the tokens without recursion: refuses depth, anchors, aliases, tags and directives. False when the rest would
 * make no sense, or take long.
 */
function inspect(tokens: readonly CST.Token[], problems: FormProblem[]): boolean {
  let sound = true
  const refuse = (what: string, token: { offset: number; source: string }, fix: string) =>
    problems.push({
      code: "G008",
      start: token.offset,
      end: token.offset + token.source.length,
      message: `${what} ${JSON.stringify(token.source)} has no meaning in a graph file.`,
      fix,
    })
  const marks = (list: readonly CST.SourceToken[] | undefined) => {
    if (list === undefined) return
    for (const token of list) {
      if (token.type === "anchor") refuse("The YAML anchor", token, ANCHOR_FIX)
      else if (token.type === "tag") {
        refuse("The YAML tag", token, 'Quote the whole expression: "!…".')
        sound = false
      }
    }
  }
  const stack: { token: CST.Token; depth: number }[] = tokens.map((token) => ({ token, depth: 0 })).reverse()
  const push = (token: CST.Token | null | undefined, depth: number) => {
    if (token) stack.push({ token, depth })
  }
  while (stack.length > 0) {
    const { token, depth } = stack.pop()!
    switch (token.type) {
      case "directive":
        refuse("The YAML directive", token, "Leave it out.")
        sound = false
        break
      case "document":
        marks(token.start)
        push(token.value, depth)
        break
      case "alias":
        refuse("The YAML alias", token, `${ANCHOR_FIX} For the text, quote it: ${JSON.stringify(token.source)}.`)
        sound = false
        break
      case "block-scalar":
        for (const prop of token.props) push(prop, depth)
        break
      case "anchor":
      case "tag":
        marks([token])
        break
      case "block-map":
      case "block-seq":
      case "flow-collection":
        if (depth >= CELL_DEPTH_MAX) {
          problems.push(formProblem.tooDeep(token.offset))
          return false
        }
        for (let i = token.items.length - 1; i >= 0; i--) {
          const item = token.items[i]!
          marks(item.start)
          marks(item.sep)
          push(item.value, depth + 1)
          push(item.key, depth + 1)
        }
    }
  }
  return sound
}

const ANCHOR_FIX = "Write it out where it is used; a type can have a name under `types:`."

/** The errors of the library without those that only follow from others: one a line, and none after the parser is lost. */
function syntaxProblems(errors: readonly YAMLError[], text: string): readonly FormProblem[] {
  const problems: FormProblem[] = []
  let lineEnd = -1
  for (const error of errors) {
    const lost = error.message.includes("in YAML stream") && problems.length > 0
    if (lost || error.pos[0] <= lineEnd || problems.length >= SYNTAX_PROBLEMS_MAX) continue
    problems.push(syntaxProblem(error, text))
    const end = text.indexOf("\n", error.pos[0])
    lineEnd = end < 0 ? text.length : end
  }
  return problems
}

/** What the library calls its errors, in the words of someone who writes a graph file. */
function syntaxProblem(error: YAMLError, text: string): FormProblem {
  const [start, end] = error.pos
  const base = { code: "G008" as const, start, end: Math.max(end, start + 1) }
  const rest = text
    .slice(start, start + 200)
    .split(/\r?\n/, 1)[0]!
    .trimEnd()
  switch (error.code) {
    case "TAB_AS_INDENT":
      return { ...base, message: "A tab indents this line; YAML is indented with spaces.", fix: "Write two spaces." }
    case "BLOCK_AS_IMPLICIT_KEY":
      return {
        ...base,
        message: "A colon with a space after it starts a mapping in the middle of this text.",
        fix: `Quote the whole of it: ${quoted(rest)}`,
      }
    case "BAD_SCALAR_START":
      return {
        ...base,
        message: `YAML text cannot start with ${JSON.stringify(text[start])}.`,
        fix: `Quote the whole of it: ${quoted(rest)}`,
      }
    case "UNEXPECTED_TOKEN": {
      if (text[start - 1] === "$" && text[start] === "{") {
        const message = "Inside { } the brace of an insertion is taken for YAML's own."
        return { ...base, start: start - 1, message, fix: 'Quote the text: "${ … }".' }
      }
      const here = JSON.stringify(text.slice(start, Math.min(end, start + 20)))
      const message = `${here} is not expected here: the value before it has ended.`
      return { ...base, message, fix: "Quote the whole value, what stands before it too." }
    }
    case "RESOURCE_EXHAUSTION":
      return { ...base, code: "G006", message: "The file is nested too deeply." }
    default:
      return { ...base, message: `${error.message}.` }
  }
}

/** A text as YAML quotes it, whatever quotes it holds itself. */
const quoted = (text: string): string => (text.includes('"') ? `'${text.replaceAll("'", "''")}'` : `"${text}"`)

const STYLES: Readonly<Record<string, Style>> = {
  PLAIN: "plain",
  QUOTE_SINGLE: "single",
  QUOTE_DOUBLE: "double",
  BLOCK_LITERAL: "literal",
  BLOCK_FOLDED: "folded",
}

/** Depth is bounded by `inspect`, so recursion is. */
function cellOf(node: ParsedNode | null, text: string, problems: FormProblem[]): Cell {
  if (isMap(node)) {
    const entries = new Map<string, Entry>()
    for (const pair of node.items) {
      const keyNode = pair.key as ParsedNode | null
      const [keyStart, keyEnd] = keyNode?.range ?? node.range
      const key = keyOf(keyNode)
      if (key === undefined) {
        problems.push({
          code: "G008",
          start: keyStart,
          end: keyEnd,
          message: "A key is a word or a text, not a list or a mapping.",
        })
        continue
      }
      const cell = pair.value === null ? nothing(keyEnd) : cellOf(pair.value as ParsedNode, text, problems)
      if (key === FORBIDDEN_KEY) problems.push(formProblem.forbiddenKey(keyStart, keyEnd))
      else if (entries.has(key)) problems.push(formProblem.duplicate(key, keyStart, keyEnd))
      else entries.set(key, { key, keyStart, keyEnd, cell })
    }
    return { kind: "map", entries, start: node.range[0], end: node.range[1] }
  }
  if (isSeq(node)) {
    const items = node.items.map((item) => cellOf(item as ParsedNode, text, problems))
    return { kind: "list", items, start: node.range[0], end: node.range[1] }
  }
  if (!isScalar(node)) return nothing(0)
  return scalarOf(node, text, problems)
}

function scalarOf(node: Extract<ParsedNode, { value: unknown }>, text: string, problems: FormProblem[]): Scalar {
  const [start, end] = node.range
  const style = STYLES[(node as { type?: string }).type ?? "PLAIN"] ?? "plain"
  const value = node.value as Scalar["value"]
  if (style !== "plain" || typeof value === "string") return { kind: "scalar", value, style, start, end }
  const raw = text.slice(start, end)
  if (typeof value === "number") {
    if (isInexact(raw, value)) problems.push(formProblem.inexact(raw, start, end))
    else if (/^[-+]?0[0-9]/.test(raw)) {
      problems.push({
        code: "G008",
        start,
        end,
        message: `${raw} is read as the number ${value}, without its zeros.`,
        fix: `Write "${raw}" for the text, ${value} for the number.`,
      })
    }
  }
  return { kind: "scalar", value, style, raw, start, end }
}

/** A key as it is written: `1`, `true` and `no` are words like any other. */
function keyOf(node: ParsedNode | null): string | undefined {
  if (!isScalar(node)) return undefined
  const { value, source } = node as { value: unknown; source?: string }
  return typeof value === "string" ? value : (source ?? String(value))
}

const nothing = (at: number): Scalar => ({ kind: "scalar", value: null, style: "plain", raw: "", start: at, end: at })
