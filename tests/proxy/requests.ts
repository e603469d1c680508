/**
 * Requests for the servers that the proxy is held against, drawn from a seed and written as text: with numbers that no
 * float holds, keys in any order, escapes, arguments that are wrong, tools and methods that do not exist.
 */
import { mkdirSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import type { Draw } from "../../gate/mod.ts"

export interface Subject {
  readonly name: string
  readonly args: readonly string[]
  /** A request's method and parameters, as text. */
  readonly draw: (draw: Draw) => { readonly method: string; readonly params: string }
}

const modules = join(import.meta.dirname, "..", "..", "node_modules", "@modelcontextprotocol")
export const EVERYTHING = join(modules, "server-everything", "dist", "index.js")
export const FILESYSTEM = join(modules, "server-filesystem", "dist", "index.js")

const WORDS = [
  "a",
  "hello",
  "ü",
  "漢字",
  "🐘",
  "line\\nbreak",
  "\\u0041",
  "\\ud83d\\ude00",
  "tab\\t",
  'say \\"hi\\"',
  "/",
  "\\u2028",
]
const NUMBERS = ["0", "-0", "1", "2.5", "1e3", "-1E-7", "9007199254740993", "12345678901234567890", "0.1", "1e400"]
const text = (draw: Draw): string => `"${Array.from({ length: draw.below(6) }, () => draw.pick(WORDS)).join(" ")}"`
const number = (draw: Draw): string => (draw.below(2) === 0 ? draw.pick(NUMBERS) : String(draw.between(-1_000, 1_000)))

/** An object with its keys in any order, and now and then something between its parts. */
function object(draw: Draw, fields: readonly (readonly [string, string])[]): string {
  const left = [...fields]
  const parts: string[] = []
  while (left.length > 0)
    parts.push(
      left.splice(draw.below(left.length), 1).map(([k, v]) => `"${k}":${draw.below(8) === 0 ? " " : ""}${v}`)[0]!,
    )
  return `{${parts.join(draw.below(4) === 0 ? ", " : ",")}}`
}

function call(draw: Draw, name: string, fields: readonly (readonly [string, string])[]) {
  const more: (readonly [string, string])[] = draw.below(12) === 0 ? [["unexpected", number(draw)]] : []
  const kept = draw.below(20) === 0 ? fields.slice(1) : fields
  const meta: (readonly [string, string])[] = draw.below(6) === 0 ? [["_meta", `{"trace":${text(draw)}}`]] : []
  const params = object(draw, [["name", `"${name}"`], ["arguments", object(draw, [...kept, ...more])], ...meta])
  return { method: "tools/call", params }
}

const beside = (draw: Draw, name: string) => {
  switch (draw.below(5)) {
    case 0:
      return { method: "ping", params: "{}" }
    case 1:
      return { method: "tools/list", params: draw.below(2) === 0 ? "{}" : '{"cursor":"none"}' }
    case 2:
      return { method: `no/such/${name}`, params: object(draw, [["n", number(draw)]]) }
    case 3:
      return call(draw, "no-such-tool", [["x", text(draw)]])
    default:
      return { method: "resources/list", params: "{}" }
  }
}

/** Files for the filesystem server: small, large, empty, of other alphabets, and some that are written again and again. */
export function filesIn(folder: string): Subject {
  mkdirSync(join(folder, "deep", "er"), { recursive: true })
  const files: Record<string, string> = {
    "a.txt": "hello\nworld\n",
    "empty.txt": "",
    "ünïcode 漢.txt": "ß 🐘 \u2028 \ud83d\ude00\r\nline\ttab\0nul",
    "large.txt": Array.from({ length: 4_000 }, (_, i) => `line ${i} of a large file`).join("\n"),
    "deep/b.json": '{"n": 12345678901234567890, "s": "\\u0041"}',
    "deep/er/c.md": "# title\n\ntext\n",
  }
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), content)
  const names = [...Object.keys(files), "w0.txt", "w1.txt", "w2.txt", "none.txt", "../outside.txt", "deep"]
  const path = (draw: Draw): string => JSON.stringify(join(folder, draw.pick(names)))
  return {
    name: "filesystem",
    args: [FILESYSTEM, folder],
    draw: (draw) => {
      switch (draw.below(14)) {
        case 0:
          return beside(draw, "filesystem")
        case 1:
          return call(draw, "list_directory", [
            ["path", JSON.stringify(draw.below(2) === 0 ? folder : join(folder, "deep"))],
          ])
        case 2:
          return call(draw, "list_directory_with_sizes", [["path", JSON.stringify(folder)]])
        case 3:
          return call(draw, "directory_tree", [["path", JSON.stringify(folder)]])
        case 4:
          return call(draw, "search_files", [
            ["path", JSON.stringify(folder)],
            ["pattern", draw.pick(['"**/*.txt"', '"*.md"', text(draw)])],
          ])
        case 5:
          return call(draw, "get_file_info", [["path", path(draw)]])
        case 6:
          return call(draw, "read_multiple_files", [["paths", `[${path(draw)},${path(draw)}]`]])
        case 7:
          return call(draw, "write_file", [
            ["path", JSON.stringify(join(folder, `w${draw.below(3)}.txt`))],
            ["content", text(draw)],
          ])
        case 8:
          return call(draw, "edit_file", [
            ["path", JSON.stringify(join(folder, "a.txt"))],
            ["edits", '[{"oldText":"hello","newText":"good bye"}]'],
            ["dryRun", "true"],
          ])
        case 9:
          return call(draw, "read_text_file", [
            ["path", path(draw)],
            [draw.pick(["head", "tail"]), number(draw)],
          ])
        case 10:
          return call(draw, "list_allowed_directories", [])
        default:
          return call(draw, draw.pick(["read_text_file", "read_file"]), [["path", path(draw)]])
      }
    },
  }
}

const DOCUMENTS = ["architecture.md", "features.md", "startup.md", "none.md"]

/** The server that has everything; what it says of the time of day is left out. */
export const everything: Subject = {
  name: "everything",
  args: [EVERYTHING, "stdio"],
  draw: (draw) => {
    switch (draw.below(16)) {
      case 0:
        return beside(draw, "everything")
      case 1:
        return { method: "resources/read", params: `{"uri":"demo://resource/static/document/${draw.pick(DOCUMENTS)}"}` }
      case 2:
        return {
          method: "prompts/get",
          params: object(draw, [
            ["name", '"args-prompt"'],
            [
              "arguments",
              object(draw, [
                ["city", text(draw)],
                ["state", text(draw)],
              ]),
            ],
          ]),
        }
      case 3:
        return { method: draw.pick(["prompts/list", "resources/templates/list"]), params: "{}" }
      case 4:
        return {
          method: "completion/complete",
          params: `{"ref":{"type":"ref/prompt","name":"completable-prompt"},"argument":{"name":"${draw.pick(["department", "name"])}","value":"${draw.pick(["", "E", "S", "x"])}"}}`,
        }
      case 5:
        return call(draw, "get-tiny-image", [])
      case 6:
        return call(draw, "get-structured-content", [
          ["location", draw.pick(['"New York"', '"Chicago"', '"Los Angeles"', '"Paris"'])],
        ])
      case 7:
        return call(draw, "get-annotated-message", [
          ["messageType", draw.pick(['"error"', '"success"', '"debug"'])],
          ["includeImage", draw.pick(["true", "false"])],
        ])
      case 8:
        return call(draw, "get-resource-links", [["count", number(draw)]])
      case 9:
        return call(draw, draw.pick(["trigger-sampling-request", "trigger-elicitation-request"]), [
          ["prompt", text(draw)],
        ])
      case 10: {
        const token = draw.below(2) === 0 ? String(draw.below(1_000)) : text(draw)
        return {
          method: "tools/call",
          params: `{"name":"trigger-long-running-operation","arguments":{"duration":0.01,"steps":${draw.between(1, 3)}},"_meta":{"progressToken":${token}}}`,
        }
      }
      case 11:
        return { method: "logging/setLevel", params: '{"level":"emergency"}' }
      default:
        return draw.below(2) === 0
          ? call(draw, "echo", [["message", draw.below(40) === 0 ? `"${"x".repeat(200_000)}"` : text(draw)]])
          : call(draw, "get-sum", [
              ["a", number(draw)],
              ["b", number(draw)],
            ])
    }
  },
}
