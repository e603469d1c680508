/**
 * A graph's value as MCP shows values: blocks of content for a model and a person, and the value itself for a program.
 * Bytes become images, sounds or files; they are not told a second time as structured content.
 */
import { base64, isRecord, jsonOf, jsonText, type Rec, type Type, type Value } from "../../graph/mod.ts"
import { mediaType } from "./media.ts"

/** A block of content, as the protocol has them. */
export type Block =
  | { readonly type: "text"; readonly text: string }
  | { readonly type: "image" | "audio"; readonly data: string; readonly mimeType: string }
  | { readonly type: "resource"; readonly resource: Contents }

/** A resource, embedded or read. */
export type Contents = { readonly uri: string; readonly mimeType: string } & (
  | { readonly text: string }
  | { readonly blob: string }
)

export interface Shown {
  readonly content: readonly Block[]
  /** Left out where the value holds files. */
  readonly structured?: unknown
}

/**
 * Does the type hold files: bytes, or a record `{ uri, text | blob, mimeType? }`, by itself, in a list, or in a record? A
 * tool of such a graph has no output schema.
 */
export function holdsFiles(type: Type): boolean {
  switch (type.kind) {
    case "bytes":
      return true
    case "list":
    case "stream":
    case "map":
      return holdsFiles(type.of)
    case "union":
      return type.of.some(holdsFiles)
    case "record":
      return isFileType(type) || Object.values(type.fields).some((f) => holdsFiles(f.type))
    default:
      return false
  }
}

const FILE_FIELDS: ReadonlySet<string> = new Set(["uri", "text", "blob", "mimeType"])

function isFileType({ fields }: Extract<Type, { kind: "record" }>): boolean {
  const { uri, text, blob } = fields
  const known = Object.keys(fields).every((name) => FILE_FIELDS.has(name))
  return known && isText(uri?.type) && (isText(text?.type) || blob?.type.kind === "bytes")
}
const isText = (type: Type | undefined): boolean => type?.kind === "string" || type?.kind === "enum"

/** The value of a port. `uri`: where the value itself can be read. Fails with `Failure` `BadNumber` where JSON has no word for a number. */
export function shown(value: Value, type: Type, uri: string): Shown {
  if (holdsFiles(type)) return { content: blocksOf(value, uri) }
  return { content: [textBlock(typeof value === "string" ? value : jsonText(value))], structured: jsonOf(value) }
}

export const textBlock = (text: string): Block => ({ type: "text", text })

/** The blocks of a value: of a list those of its items in turn, of a record its text and then its files. */
export function blocksOf(value: Value, uri: string): readonly Block[] {
  if (typeof value === "string") return [textBlock(value)]
  const file = fileOf(value, uri)
  if (file !== undefined) return [file]
  if (Array.isArray(value)) return value.flatMap((item, i) => blocksOf(item as Value, part(uri, i)))
  const files: Block[] = []
  const said = sayFiles(value, uri, files)
  return [textBlock(jsonText(said)), ...files]
}

/** A place in a value that can be read as a whole: a fragment (RFC 6901, 6). */
const part = (uri: string, key: string | number): string =>
  `${uri}${uri.includes("#") ? "" : "#"}/${encodeURIComponent(String(key).replaceAll("~", "~0").replaceAll("/", "~1"))}`

/** The value with a word in place of each file, which is put into `files`. */
function sayFiles(value: Value, uri: string, files: Block[]): Value {
  const file = fileOf(value, uri)
  if (file !== undefined) {
    files.push(file)
    return `(${file.type === "resource" ? file.resource.mimeType : (file as { mimeType: string }).mimeType}, file ${files.length})`
  }
  if (Array.isArray(value)) return value.map((item, i) => sayFiles(item as Value, part(uri, i), files))
  if (!isRecord(value)) return value
  return Object.fromEntries(Object.entries(value).map(([k, v]) => [k, sayFiles(v, part(uri, k), files)]))
}

function fileOf(value: Value, uri: string): Block | undefined {
  if (value instanceof Uint8Array) {
    const mimeType = mediaType(value)
    const kind = /^(image|audio)\//.exec(mimeType)?.[1] as "image" | "audio" | undefined
    return kind === undefined
      ? { type: "resource", resource: contentsOf(value, uri) }
      : { type: kind, data: base64(value), mimeType }
  }
  if (!isRecord(value) || typeof value["uri"] !== "string") return undefined
  const { text, blob } = value
  const known = Object.keys(value).every((name) => FILE_FIELDS.has(name))
  if (!known || !(typeof text === "string" || blob instanceof Uint8Array)) return undefined
  return { type: "resource", resource: namedContents(value, value["uri"]) }
}

function namedContents({ text, blob, mimeType }: Rec, uri: string): Contents {
  const type = typeof mimeType === "string" ? { mimeType } : {}
  return { ...contentsOf((text ?? blob)!, uri), ...type }
}

/** A value as the contents of a resource. */
export function contentsOf(value: Value, uri: string): Contents {
  if (value instanceof Uint8Array) return { uri, mimeType: mediaType(value), blob: base64(value) }
  if (typeof value === "string") return { uri, mimeType: "text/plain", text: value }
  const file = fileOf(value, uri)
  if (file?.type === "resource") return { ...file.resource, uri }
  return { uri, mimeType: "application/json", text: jsonText(value, { nonFinite: "text" }) }
}
