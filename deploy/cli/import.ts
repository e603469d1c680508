/** `import`: graph files from an OpenAPI document, one for each operation, with what of it they do not say. */
import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join, relative, resolve } from "node:path"
import { parse } from "yaml"
import { isRecord, type Rec, readJson, type Value } from "../../graph/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"
import { readApi, type Unsaid } from "../openapi/document.ts"
import { graphsOf } from "../openapi/graphs.ts"
import { why } from "../project/project.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"

const BYTES_MAX = 32 << 20

export async function run(call: Call): Promise<number> {
  const [file, ...more] = call.words
  if (file === undefined || more.length > 0) throw usage("import wants one OpenAPI document: a file or a URL")
  const { out, err, cwd } = call.terminal
  const server = call.text("server")
  if (server !== undefined && !/^https?:\/\//i.test(server))
    throw usage(`--server wants a URL, found "${server}"`, "Write https://host/v1.")
  const remote = /^https?:\/\//i.test(file)
  const document = documentOf(remote ? await fetched(file) : await onDisk(resolve(cwd, file), file), file)
  const only = call.list("only")
  const whole = readApi(document, remote ? file : undefined, server)
  const wanted = (id: string, method: string, path: string) =>
    only.length === 0 || only.some((o) => o === id || o.toLowerCase() === `${method} ${path}`.toLowerCase())
  const api = { ...whole, operations: whole.operations.filter((o) => wanted(o.id, o.method, o.path)) }
  const unknown = only.filter(
    (o) => !whole.operations.some((x) => o === x.id || o.toLowerCase() === `${x.method} ${x.path}`.toLowerCase()),
  )
  if (unknown.length > 0)
    throw usage(
      `${file} has no operation "${unknown[0]}" that can be imported`,
      ...whole.left.map((u) => `left out: ${u.at}: ${u.what}`).slice(0, 3),
      ...whole.operations.slice(0, 20).map((o) => `${o.id}  ${o.method} ${o.path}`),
    )
  const { files, left } = graphsOf(api, standardKinds)
  const refused: readonly Unsaid[] = [...(only.length === 0 ? whole.left : []), ...left]
  const { green, yellow, red, dim } = out.colours
  const folder = resolve(cwd, call.text("out") ?? ".")
  if (!call.on("list")) await mkdir(folder, { recursive: true })
  for (const { name, text, needs, operation } of files) {
    const path = join(folder, `${name}.graph.yaml`)
    const shown = relative(cwd, path) || path
    const does = dim(printable(`${operation.method} ${operation.path}, needs ${needs.join(" ")}`))
    if (call.on("list")) out.write(`${printable(operation.id)}  ${does}\n`)
    else if (await kept(path, text, call.on("force")))
      err.write(`${yellow("kept")}  ${shown}  ${dim("it is there and is another; --force writes it anew")}\n`)
    else out.write(`${green("ok")}  ${shown}  ${does}\n`)
  }
  for (const { at, what } of whole.widened) err.write(`${yellow("wider")}  ${printable(`${at}: ${what}`)}\n`)
  for (const { at, what } of refused) err.write(`${red("left out")}  ${printable(`${at}: ${what}`)}\n`)
  if (files.length > 0) return EXIT.ok
  throw failed(`Nothing of ${file} can be a graph`)
}

const failed = (message: string, cause?: unknown): CliError =>
  new CliError({ reason: "failed", message, exit: EXIT.failed, ...(cause === undefined ? {} : { cause }) })

async function onDisk(path: string, shown: string): Promise<string> {
  try {
    return await readFile(path, "utf8")
  } catch (cause) {
    throw failed(`Cannot read "${shown}": ${why(cause)}`, cause)
  }
}

async function fetched(url: string): Promise<string> {
  try {
    const response = await fetch(url)
    const text = await response.text()
    if (response.ok && text.length <= BYTES_MAX) return text
    throw failed(`Cannot read ${url}: it answered ${response.status} with ${text.length} characters`)
  } catch (cause) {
    throw cause instanceof CliError ? cause : failed(`Cannot reach ${url}: ${why(cause)}`, cause)
  }
}

function documentOf(text: string, shown: string): Rec {
  let read: Value
  try {
    read = /^\s*\{/.test(text) ? readJson(text) : (parse(text, { maxAliasCount: 100 }) as Value)
  } catch (cause) {
    throw failed(`Cannot read "${shown}" as JSON or YAML: ${why(cause)}`, cause)
  }
  const version = isRecord(read) ? (read["openapi"] ?? read["swagger"]) : undefined
  if (isRecord(read) && typeof read["openapi"] === "string" && /^3\./.test(read["openapi"])) return read
  const found = version === undefined ? "no such version" : `version ${JSON.stringify(version)}`
  throw failed(`Cannot import "${shown}": want an OpenAPI document of version 3, found ${found}; convert it first`)
}

/** Does a file of another content stay? One that was changed by hand is not written over. */
async function kept(path: string, text: string, force: boolean): Promise<boolean> {
  const before = await readFile(path, "utf8").catch(() => undefined)
  if (before !== undefined && before !== text && !force) return true
  try {
    await writeFile(path, text)
    return false
  } catch (cause) {
    throw failed(`Cannot write "${path}": ${why(cause)}`, cause)
  }
}
