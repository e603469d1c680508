/**
 * The input of a run from words on a command line: `key=value` read by the type of the port, JSON from a file or from
 * standard input. Everything that is missing or wrong is told at once, with the type that is wanted.
 */
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import {
  acceptStrict,
  Failure,
  type Field,
  isRecord,
  jsonText,
  printFailure,
  printType,
  type Rec,
  readJson,
  type Type,
  type Value,
} from "../../graph/mod.ts"
import { fromJsonForm } from "../json_form.ts"
import { why } from "../project/project.ts"
import { type Call, CliError, EXIT } from "./command.ts"

type Input = Extract<Type, { kind: "record" }>

/** The whole input of a run. Fails with `CliError` (`input`). */
export async function inputOf(call: Call, words: readonly string[], type: Input): Promise<Rec> {
  const from = call.text("input")
  const given = from === undefined ? {} : await jsonInput(call, from)
  const problems: string[] = []
  const typed = await typedWords(call, words, type, problems)
  // JSON has no bytes: base64 stands for them, as over HTTP.
  const input = { ...(fromJsonForm(type, given) as Rec), ...typed }
  for (const [name, field] of Object.entries(type.fields)) {
    if (
      input[name] === undefined &&
      !field.optional &&
      field.default === undefined &&
      !problems.some((p) => p.startsWith(`${name} `))
    ) {
      problems.push(`${name} is missing: wanted ${printType(field.type)}`)
    }
  }
  if (problems.length === 0) {
    try {
      return acceptStrict(type)(input) as Rec
    } catch (cause) {
      problems.push(cause instanceof Failure ? cause.message : printFailure(cause as Failure))
    }
  }
  throw new CliError({
    reason: "input",
    message:
      problems.length === 1
        ? problems[0]!
        : `The input has ${problems.length} problems\n${problems.map((p) => `       ${p}`).join("\n")}`,
    hints: [`It takes ${takes(type)}`],
    exit: EXIT.usage,
  })
}

/** What a graph takes, as a person would write it: `order=… currency=EUR|USD|GBP [margin=1.2]`. */
export function takes(type: Input): string {
  const words = Object.entries(type.fields).map(([name, field]) => {
    const free = field.optional || field.default !== undefined
    const value = field.default === undefined ? exampleOf(field) : jsonText(field.default, { nonFinite: "text" })
    return free ? `[${name}=${value}]` : `${name}=${value}`
  })
  return words.length === 0 ? "no input" : words.join(" ")
}

const exampleOf = ({ type }: Field): string => {
  const text = type.kind === "enum" ? type.values.join("|") : `<${printType(type)}>`
  return text.length > 60 ? `<${type.kind}>` : text
}

async function jsonInput(call: Call, from: string): Promise<Rec> {
  const refuse = (problem: string, cause?: unknown) =>
    new CliError({
      reason: "input",
      message: `Cannot read the input from ${from === "-" ? "standard input" : `"${from}"`}: ${problem}`,
      exit: EXIT.usage,
      cause,
    })
  let text: string
  try {
    text =
      from === "-" ? await streamText(call.terminal.input) : await readFile(resolve(call.terminal.cwd, from), "utf8")
  } catch (cause) {
    throw refuse(why(cause), cause)
  }
  let value: Value
  try {
    value = readJson(text, { uniqueKeys: true })
  } catch (cause) {
    throw refuse((cause as Failure).message, cause)
  }
  if (!isRecord(value)) throw refuse("wanted a JSON object with the graph's inputs")
  return value
}

async function streamText(stream: AsyncIterable<unknown>): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) chunks.push(typeof chunk === "string" ? Buffer.from(chunk) : (chunk as Uint8Array))
  return Buffer.concat(chunks).toString("utf8")
}

async function typedWords(call: Call, words: readonly string[], type: Input, problems: string[]): Promise<Rec> {
  const given = new Map<string, string[]>()
  for (const word of words) {
    const at = word.indexOf("=")
    const name = at === -1 ? word : word.slice(0, at)
    if (at === -1) problems.push(`"${word}" is no key=value`)
    else if (!Object.hasOwn(type.fields, name)) problems.push(`"${name}" is no input of this graph`)
    else given.set(name, [...(given.get(name) ?? []), word.slice(at + 1)])
  }
  const out: { [name: string]: Value } = {}
  for (const [name, texts] of given) {
    try {
      const read = await Promise.all(texts.map((text) => fileText(call, text)))
      out[name] = wordsValue(read, type.fields[name]!.type)
    } catch (cause) {
      problems.push(
        `${name} cannot be read: ${cause instanceof Failure || cause instanceof CliError ? cause.message : why(cause)}`,
      )
    }
  }
  return out
}

/** `@file` is the text of the file, `@@x` is `@x`. */
async function fileText(call: Call, text: string): Promise<string> {
  if (text.startsWith("@@")) return text.slice(1)
  return text.startsWith("@") ? await readFile(resolve(call.terminal.cwd, text.slice(1)), "utf8") : text
}

const wrong = (text: string, type: Type): CliError =>
  new CliError({ reason: "input", message: `wanted ${printType(type)}, found "${text}"`, exit: EXIT.usage })

function wordsValue(texts: readonly string[], type: Type): Value {
  const [only = "", ...more] = texts
  if (type.kind === "list" && (more.length > 0 || !/^\s*\[/.test(only)))
    return texts.map((text) => wordValue(text, type.of))
  if (more.length > 0) {
    throw new CliError({
      reason: "input",
      message: `it is given ${texts.length} times, and ${printType(type)} is one value`,
      exit: EXIT.usage,
    })
  }
  return wordValue(only, type)
}

/** One word as the type wants it. Fails with `CliError` or, for JSON, `Failure`. */
export function wordValue(text: string, type: Type): Value {
  switch (type.kind) {
    case "string":
      return text
    case "enum":
      if (type.values.includes(text)) return text
      throw wrong(text, type)
    case "boolean":
      if (text === "true" || text === "false") return text === "true"
      throw wrong(text, type)
    case "null":
      if (text === "null" || text === "") return null
      throw wrong(text, type)
    case "number": {
      const n = Number(text)
      if (text.trim() !== "" && Number.isFinite(n)) return n
      throw wrong(text, type)
    }
    case "int64":
      if (/^[+-]?\d{1,20}$/.test(text) && BigInt.asIntN(64, BigInt(text)) === BigInt(text)) return BigInt(text)
      throw wrong(text, type)
    case "bytes":
      return new TextEncoder().encode(text)
    case "union":
      return unionValue(text, type)
    case "unknown":
      return looksLikeJson(text) ? readJson(text, { uniqueKeys: true }) : text
    default:
      return readJson(text, { uniqueKeys: true })
  }
}

/** The first alternative that the word can be read as; texts come last, since they take anything. */
function unionValue(text: string, type: Extract<Type, { kind: "union" }>): Value {
  const order = [...type.of].sort((a, b) => Number(a.kind === "string") - Number(b.kind === "string"))
  for (const one of order) {
    try {
      return acceptStrict(one)(wordValue(text, one))
    } catch (cause) {
      if (!(cause instanceof CliError || cause instanceof Failure)) throw cause
    }
  }
  throw wrong(text, type)
}

const looksLikeJson = (text: string): boolean => /^\s*([[{"]|-?\d|true\b|false\b|null\b)/.test(text)
