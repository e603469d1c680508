/**
 * The body of an HTTP answer as a value: JSON, text or bytes. Which of them is decided by the declared output type where
 * there is one, so that it does not hang on what a server puts into a header.
 */
import {
  Failure,
  fail,
  type HttpResponse,
  readJson,
  type SignatureProblem,
  T,
  type Type,
  type Value,
} from "../graph/mod.ts"
import { blot } from "./secret.ts"

/**
 * `auto`: no output type was declared; the content type decides. `word`: text is wanted, and of a server that answers JSON
 * that is what stands between the quotes of a JSON string, or the JSON itself where it is something else.
 */
export type Parse = "json" | "text" | "bytes" | "word" | "auto"

/** How a body is read: as `parse:` says, else as the output type says. */
export function parseOf(said: Value | undefined, output: Type | undefined): Parse | SignatureProblem {
  if (said === "json" || said === "text" || said === "bytes") return said
  if (said !== undefined) {
    return { code: "G207", key: "parse", message: `\`parse\` is ${JSON.stringify(said)}, wanted json, text or bytes.` }
  }
  if (output === undefined || output.kind === "unknown") return "auto"
  if (output.kind === "bytes") return "bytes"
  if (output.kind === "stream" || output.kind === "tensor") {
    return {
      code: "G101",
      key: "output",
      message: `An http node gives JSON, text or bytes, and no ${output.kind}.`,
      fix: "Write output: bytes, and make of it what you need.",
    }
  }
  return isText(output) ? "word" : "json"
}

const isText = (t: Type): boolean =>
  t.kind === "string" ||
  t.kind === "enum" ||
  (t.kind === "union" && t.of.every((u) => isText(u) || u === T.null) && t.of.some(isText))

/** The value of a body. No body at all (204, 205, 304) is null, except as bytes. Fails with `BadBody`. */
export function parseBody(parse: Parse, response: HttpResponse, what: string, hidden: readonly string[] = []): Value {
  const { body, status } = response
  const type = (response.headers["content-type"] ?? "").toLowerCase()
  if (parse !== "bytes" && (status === 204 || status === 205 || status === 304)) return null
  const natural = byContentType(type)
  const how = parse === "auto" ? natural : parse === "word" ? "text" : parse
  if (how === "bytes") return body
  const text = textOf(body, how === "json" ? "utf-8" : (/charset="?([^";\s]+)/.exec(type)?.[1] ?? "utf-8"), how, what)
  if (parse === "word" && natural === "json") return unquoted(text)
  if (how === "text") return text
  try {
    return readJson(text)
  } catch (cause) {
    const begins = JSON.stringify(blot(text.slice(0, 2000), hidden).slice(0, 40))
    // What JSON itself allows and a value does not is named; all else shows by how the body begins.
    const refused = /(the key "__proto__" is refused|nested deeper than \d+ levels|too large for a number)/.exec(
      (cause as Error).message,
    )?.[0]
    const why = text === "" ? "it is empty" : `${refused === undefined ? "" : `${refused}; `}it begins ${begins}`
    throw bad(what, "json", `is not JSON${refused === undefined ? "" : " that can be taken"} (${why})`, cause)
  }
}

function unquoted(text: string): string {
  try {
    const value = /^\s*"/.test(text) ? readJson(text) : undefined
    return typeof value === "string" ? value : text
  } catch (cause) {
    if (cause instanceof Failure) return text
    throw cause
  }
}

function byContentType(type: string): "json" | "text" | "bytes" {
  const name = type.split(";")[0]!.trim()
  if (name === "application/json" || name.endsWith("+json")) return "json"
  const text =
    name.startsWith("text/") ||
    name.endsWith("+xml") ||
    name === "application/xml" ||
    name === "application/x-www-form-urlencoded"
  return text ? "text" : "bytes"
}

function textOf(body: Uint8Array, charset: string, wanted: string, what: string): string {
  let decoder: TextDecoder
  try {
    decoder = new TextDecoder(charset, { fatal: true })
  } catch (cause) {
    throw bad(what, wanted, `is in the charset "${charset.slice(0, 40)}", which is not known here`, cause)
  }
  try {
    return decoder.decode(body)
  } catch (cause) {
    throw bad(what, wanted, `is not text in ${charset}`, cause)
  }
}

/** Something was answered: what was asked for may have been done. */
const bad = (what: string, wanted: string, message: string, cause: unknown) =>
  fail("BadBody", `The body of ${what} ${message}`, { data: { wanted }, undelivered: false, cause })
