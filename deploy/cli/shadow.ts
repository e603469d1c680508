/** The verbs of `shadow`, and `shadow import`: a model from elsewhere, read as a stranger's and kept as one of ours. */
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { fromJsonSchema } from "../../graph/mod.ts"
import {
  type About,
  adoptModel,
  EncodingRefused,
  encodingOf,
  type ModelFile,
  ModelRefused,
  outputOf,
  parameters,
  readModel,
  type Spec,
  schemaNotes,
  writeModel,
} from "../../shadow/mod.ts"
import { ModelStore } from "../model_store.ts"
import { ProjectError, why } from "../project/project.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"

export async function run(call: Call): Promise<number> {
  const [action, ...words] = call.words
  if (action === "ls" || action === "show" || action === "ask" || action === "report") {
    const shadows = await import("./shadow_show.ts")
    return shadows[action](call, words)
  }
  const [word, file, ...more] = call.words
  if (word !== "import" || file === undefined || more.length > 0)
    throw usage(
      "shadow wants ls, show <tool>, ask <tool>, report, or import and a file",
      "shadowgraph shadow import model.onnx --tool fn:add --input in.json --output out.json",
    )
  const bytes = await read(call, file)
  const about = await aboutOf(call)
  const model = call.on("bare") ? bare(bytes, about) : adoptModel(bytes, about)
  if (model instanceof ModelRefused || model instanceof EncodingRefused) throw refusal(model, file)
  const kept = new ModelStore(resolve(call.terminal.cwd, call.text("in") ?? ".")).put(model)
  const graph = call.text("graph")
  if (graph !== undefined) {
    if (model.about.tool === undefined) throw usage("--graph gates a model: --tool says whose shadow it is to be")
    const { gateModel } = await import("./train.ts")
    return gateModel(call, graph, model.about.tool, model.bytes)
  }
  const { widths } = model.mlp
  const { out } = call.terminal
  if (call.on("json")) {
    const { tool, toolVersion } = model.about
    out.write(
      `${JSON.stringify({ model: model.hash, file: kept, widths, weights: parameters(model.mlp), tool, toolVersion })}\n`,
    )
  } else {
    const of = model.about.tool === undefined ? "" : ` of ${printable(model.about.tool)}`
    out.write(`Imported a model${of}: layers ${widths.join("-")}, ${parameters(model.mlp)} weights\n${model.hash}\n`)
  }
  return EXIT.ok
}

function bare(bytes: Uint8Array, about: About): ModelFile | ModelRefused {
  const found = readModel(bytes)
  return found instanceof ModelRefused ? found : writeModel(found.mlp, { ...found.about, ...about })
}

async function aboutOf(call: Call): Promise<About> {
  const [tool, toolVersion] = [call.text("tool"), call.text("version")]
  const [input, output] = [await specOf(call, "input"), await specOf(call, "output")]
  return {
    ...(tool === undefined ? {} : { tool }),
    ...(toolVersion === undefined ? {} : { toolVersion }),
    ...(input === undefined ? {} : { input }),
    ...(output === undefined ? {} : { output }),
  }
}

/** The encoding of a schema that an option names. */
async function specOf(call: Call, option: "input" | "output"): Promise<Spec | undefined> {
  const file = call.text(option)
  if (file === undefined) return undefined
  let schema: unknown
  try {
    schema = JSON.parse(new TextDecoder().decode(await read(call, file)))
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause
    throw new CliError({
      reason: "input",
      message: `Cannot read "${file}": want JSON, found ${cause.message}`,
      exit: EXIT.failed,
      cause,
    })
  }
  const { type } = fromJsonSchema(schema)
  const found = (option === "input" ? encodingOf : outputOf)(type, schemaNotes(type, schema))
  if (found instanceof EncodingRefused) throw refusal(found, file)
  return found.spec
}

async function read(call: Call, file: string): Promise<Uint8Array> {
  try {
    return await readFile(resolve(call.terminal.cwd, file))
  } catch (cause) {
    throw new ProjectError({ reason: "unreadable", message: `Cannot read "${file}": ${why(cause)}`, cause })
  }
}

function refusal(refused: ModelRefused | EncodingRefused, file: string): CliError {
  const hints =
    refused.reason === "spec"
      ? ["--input and --output give the schemas of the tool; --bare keeps the model without them"]
      : refused.reason === "unbounded"
        ? ["say in the schema how long it can be, or which numbers: maxLength, maximum, enum"]
        : []
  return new CliError({
    reason: "failed",
    message: `${file}: ${refused.message}`,
    hints,
    exit: EXIT.failed,
    cause: refused,
  })
}
