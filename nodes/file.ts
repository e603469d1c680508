/**
 * The node kinds `read_file` and `write_file`: a file below a folder that a capability names. The folder is the static
 * part of the path, so what a run may touch is known before it runs, whatever is inserted into the file's name.
 */
import {
  type Call,
  type Expr,
  fail,
  isRecord,
  lit,
  type NodeKind,
  type NodeView,
  type RawNode,
  readJson,
  type Signature,
  type SignatureProblem,
  T,
  type Type,
  type Value,
} from "../graph/mod.ts"
import { need } from "./lack.ts"
import { toJson } from "./plain-json.ts"

/** A larger file is refused: a value is held in memory whole. */
const BYTES_MAX = 64 << 20

export const readFile: NodeKind = {
  kind: "read_file",
  about: "Reads a file below a folder that the run may read.",
  main: { form: "text", type: T.string, required: true, path: true, about: "The path, from the graph file's folder." },
  fields: {
    parse: {
      form: "static",
      type: T.enum("text", "json", "lines", "bytes"),
      about: "What the value is: the text (the default), the JSON in it, its lines, or the bytes as they are.",
    },
  },
  takesWith: false,
  lift: (raw) => lift(raw, "read_file"),
  sign: (node) => sign(node, "read", T.record({ read_file: T.string }), readType(node.config["parse"], node.output)),
  open: (config, _resources, services, signature) => {
    const root = String(config["root"])
    const parse = config["parse"] ?? (signature.output.kind === "bytes" ? "bytes" : "text")
    return {
      execute: async (args: Value) => {
        const path = pathOf(args, "read_file", root)
        const files = need(services.files, `read "${path}"`, "files")
        return parsed(await files.read(path, { root, bytesMax: BYTES_MAX }), parse, path)
      },
    }
  },
}

export const writeFile: NodeKind = {
  kind: "write_file",
  about: "Writes a file below a folder that the run may write to, replacing what was there.",
  main: { form: "text", type: T.string, required: true, path: true, about: "The path, from the graph file's folder." },
  fields: {
    text: { form: "text", about: "What to write: text, bytes, or any value, which is written as JSON." },
  },
  takesWith: false,
  lift: (raw) => lift(raw, "write_file"),
  sign: (node) =>
    sign(
      node,
      "write",
      T.record({ write_file: T.string, text: T.unknown }),
      T.record({ path: T.string, bytes: T.number }),
    ),
  open: (config, _resources, services) => {
    const root = String(config["root"])
    return {
      execute: async (args: Value, call: Call) => {
        const path = pathOf(args, "write_file", root)
        const files = need(services.files, `write "${path}"`, "files")
        const bytes = content(isRecord(args) ? args["text"]! : null)
        if (call.signal.aborted)
          throw fail("Cancelled", `Cannot write "${path}": the run was cancelled`, { undelivered: true })
        await files.write(path, bytes, { root })
        return { path, bytes: bytes.length }
      },
    }
  },
}

/** Keeps the folder of the path in `config.root`: what stands before the first insertion, up to its last slash. */
function lift(raw: RawNode, main: string): ReturnType<NonNullable<NodeKind["lift"]>> {
  const path = raw.args[main]
  const head = path === undefined ? "" : staticHead(path)
  const slash = head.lastIndexOf("/")
  const folder = slash === -1 ? "." : slash === 0 ? "/" : head.slice(0, slash)
  return { config: { ...raw.config, root: tidy(folder) }, args: raw.args }
}

/** The text with which every value of an expression begins. */
function staticHead(e: Expr): string {
  if (e.op === "const") return typeof e.value === "string" ? e.value : ""
  return e.op === "text" && e.parts.length > 0 ? staticHead(e.parts[0]!) : ""
}

/** `data`, `./data/` and `./data` are one folder: relative ones start with a dot, none ends with a slash. */
function tidy(folder: string): string {
  const parts = folder.split("/").filter((p) => p !== "" && p !== ".")
  return folder.startsWith("/") ? `/${parts.join("/")}` : [".", ...parts].join("/")
}

function sign(
  node: NodeView,
  effect: "read" | "write",
  input: Type,
  output: Type,
): Signature | readonly SignatureProblem[] {
  const key = effect === "read" ? "read_file" : "write_file"
  const root = String(node.config["root"])
  const path = node.args[key] ?? lit("")
  const problems: SignatureProblem[] = []
  if (root.split("/").includes("..") || (path.op === "const" && String(path.value).split("/").includes(".."))) {
    problems.push({
      code: "G207",
      key,
      message: `The path ${JSON.stringify(path.op === "const" ? path.value : root)} leaves the folder of the graph that is run by "..".`,
      fix: "Write it from the graph file's folder downward, or in full from /. A subgraph's file lies below that folder, too.",
    })
  }
  if (path.op === "const" && (typeof path.value !== "string" || path.value === "" || path.value.endsWith("/"))) {
    problems.push({ code: "G207", key, message: `${JSON.stringify(path.value)} names no file.` })
  }
  if (effect === "write" && node.args["text"] === undefined) {
    problems.push({
      code: "G005",
      key,
      message: "`write_file:` wants `text:`, what to write.",
      fix: "Write text: ${ … }",
    })
  }
  if (problems.length > 0) return problems
  return {
    effect,
    resource: `fs:${root}`,
    needs: [`fs:${effect}:${root}`],
    input,
    output,
    sinks: { [key]: "path" },
    // The same bytes at the same path, twice, leave the same file.
    ...(effect === "write" ? { keyed: true } : {}),
  }
}

const readType = (parse: Value | undefined, wanted: Type | undefined): Type => {
  switch (parse) {
    case "json":
      return T.unknown
    case "lines":
      return T.list(T.string)
    case "bytes":
      return T.bytes
    default:
      return parse === undefined && wanted?.kind === "bytes" ? T.bytes : T.string
  }
}

/** The path of a call, which insertions may have made anything; the service looks at links, we at the words. */
function pathOf(args: Value, key: string, root: string): string {
  const path = isRecord(args) ? String(args[key]) : ""
  const spelled = tidy(path)
  const below = spelled.startsWith(root === "/" ? root : `${root}/`) && !path.endsWith("/")
  if (!below || path.split("/").includes("..") || path.includes("\0")) {
    throw fail("OutsideRoot", `Cannot use the path "${path}": it is not below "${root}"`, {
      data: { path, root },
      undelivered: true,
    })
  }
  return path
}

function parsed(bytes: Uint8Array, parse: Value, path: string): Value {
  if (parse === "bytes") return bytes
  let text: string
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes)
  } catch (cause) {
    throw fail("BadFile", `Cannot read "${path}" as text: it is not UTF-8`, { data: { path, wanted: "text" }, cause })
  }
  if (parse === "text") return text
  if (parse === "lines") {
    const lines = text.split(/\r?\n/)
    return lines.at(-1) === "" ? lines.slice(0, -1) : lines
  }
  try {
    return readJson(text)
  } catch (cause) {
    throw fail("BadFile", `Cannot read "${path}" as JSON: ${(cause as Error).message}`, {
      data: { path, wanted: "json" },
      cause,
    })
  }
}

/** Text as UTF-8, bytes as they are, everything else as JSON with a line break at its end. */
function content(value: Value): Uint8Array {
  if (value instanceof Uint8Array) return value
  return new TextEncoder().encode(
    typeof value === "string" ? value : `${JSON.stringify(toJson(value, "text"), null, 2)}\n`,
  )
}
