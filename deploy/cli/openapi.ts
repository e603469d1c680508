/**
 * `openapi` and `client`: the interface that `serve` would have, as an OpenAPI document, and the typed client made from it. The
 * graphs are checked and compiled; nothing is run and nothing needs to be granted.
 */
import { writeFile } from "node:fs/promises"
import { resolve } from "node:path"
import { compile } from "../../compile/mod.ts"
import { isRecord, jsonText, readJson, type Type, type Value } from "../../graph/mod.ts"
import { clientOf } from "../http/client.ts"
import { type Described, openapiOf } from "../http/openapi.ts"
import { ProjectError, why } from "../project/project.ts"
import { loadAll, showProblems } from "./check.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { versionOf } from "./version.ts"

type Document = { readonly [key: string]: unknown }

export async function run(call: Call): Promise<number> {
  const client = call.command.name === "client"
  const from = client ? call.text("from") : undefined
  if (from !== undefined && call.words.length > 0) throw usage("client takes graphs, or --from a server, not both")
  const document = from === undefined ? await ofGraphs(call) : await ofServer(call, from)
  if (document === undefined) return EXIT.failed
  const text = client ? clientOf(document) : `${JSON.stringify(JSON.parse(jsonText(document as Value)), null, 2)}\n`
  const file = call.text("out")
  if (file === undefined) call.terminal.out.write(text)
  else await written(resolve(call.terminal.cwd, file), text)
  return EXIT.ok
}

async function ofGraphs(call: Call): Promise<Document | undefined> {
  const graphs = await loadAll(call, call.words)
  showProblems(
    call,
    graphs.flatMap((g) => g.problems),
    graphs,
  )
  if (!graphs.every((g) => g.checked !== undefined)) return undefined
  const described = graphs.map(({ checked }): Described => {
    const { plan } = compile(checked!)
    const { name, about } = checked!.graph
    const input = plan.types[plan.input] as Type
    return { name, about, needs: plan.needs, input, output: plan.types[plan.output]! }
  })
  described.sort((a, b) => (a.name < b.name ? -1 : 1))
  const url = call.text("url")
  return openapiOf(described, {
    version: versionOf(),
    guarded: call.on("tokens"),
    ...(url === undefined ? {} : { url }),
  })
}

/** The document of a server that runs. A token is in the environment, since whoever looks at a machine sees what stands on its command lines. */
async function ofServer(call: Call, server: string): Promise<Document> {
  const failed = (message: string, cause?: unknown) =>
    new CliError({ reason: "failed", message, exit: EXIT.failed, ...(cause === undefined ? {} : { cause }) })
  const url = URL.parse("/openapi.json", server)
  if (url === null || !/^https?:$/.test(url.protocol))
    throw usage(`--from wants the address of a server, found "${server}"`, "Write http://127.0.0.1:8787.")
  const token = call.terminal.env["SHADOWGRAPH_TOKEN"]
  let response: Response
  try {
    response = await fetch(url, { headers: token === undefined ? {} : { authorization: `Bearer ${token}` } })
  } catch (cause) {
    throw failed(`Cannot reach ${url.host}: ${why(cause)}`, cause)
  }
  const text = await response.text()
  if (response.status === 401) throw failed(`${url.host} wants a token: set SHADOWGRAPH_TOKEN to one that it knows`)
  const document = response.ok ? readJson(text) : undefined
  if (isRecord(document) && typeof document["openapi"] === "string") return document
  throw failed(`${url} is no OpenAPI document: it answered ${response.status}`)
}

async function written(file: string, text: string): Promise<void> {
  try {
    await writeFile(file, text)
  } catch (cause) {
    throw new ProjectError({ reason: "unwritable", message: `Cannot write "${file}": ${why(cause)}`, cause })
  }
}
