/**
 * The node kind `onnx`: runs a model file. Its ports are those that the file states, pinned by the lock together with the
 * file's hash, so a wrong shape is found before anything runs and another file is an error and not a surprise. Providers
 * compute with other bits, so it is a read: its answer is recorded and never computed again.
 */
import {
  type Call,
  type Executor,
  fail,
  isRecord,
  type NodeKind,
  type NodeView,
  type Rec,
  type Services,
  type Signature,
  type SignatureProblem,
  sameValue,
  T,
  Tensor,
  type Value,
} from "../graph/mod.ts"
import { AUTH_TYPE } from "./endpoint.ts"
import { need } from "./lack.ts"
import {
  bytesMaxOf,
  fetchModel,
  MODEL_BYTES_MAX,
  type ModelPin,
  modelPinKey,
  pinnedModel,
  pinOf,
  placeNeeds,
  placeResource,
  portsType,
  readPin,
  readPlace,
} from "./onnx-file.ts"
import { printPassed, type Ran, Running } from "./onnx-run.ts"

const PROVIDERS = ["cuda", "tensorrt", "webgpu", "dml", "coreml", "webnn", "cpu", "wasm"] as const

export const onnx: NodeKind = {
  kind: "onnx",
  about: "Runs a model file in the ONNX format, on the best device that the host has.",
  main: {
    form: "static",
    type: T.string,
    required: true,
    path: true,
    about: "The model: a path from the graph file's folder, or a URL.",
  },
  fields: {
    providers: {
      form: "static",
      type: T.list(T.enum(...PROVIDERS)),
      about: "Where it may run, the first first. Default: cuda, webgpu, cpu, wasm, as far as the host has them.",
    },
    limit: { form: "size", about: "Largest model file. Default 512MB." },
    allow_nan: { form: "static", type: T.boolean, about: "true where NaN in an answer has a meaning." },
    auth: { form: "static", type: AUTH_TYPE, about: "Who asks for the file, where it lies at a URL." },
  },
  takesWith: true,
  sign,
  lock,
  open,
}

async function lock(
  config: Rec,
  _resources: NodeView["resources"],
  services: Services,
): Promise<{ readonly [key: string]: Rec }> {
  const place = readPlace(config)
  if (Array.isArray(place)) throw fail("Refused", `Cannot pin the model: ${place[0]!.message}`)
  const host = need(services.onnx, `pin the model ${String(config["onnx"])}`, "ONNX runtime")
  const bytes = await fetchModel(place as never, bytesMaxOf(config), services, new AbortController().signal)
  const about = await host.about(bytes)
  const sha256 = host.sha256(bytes)
  if ("url" in place) await host.keep(sha256, bytes)
  return { [modelPinKey(config)]: pinOf(bytes, sha256, about) }
}

function sign(node: NodeView): Signature | readonly SignatureProblem[] {
  const place = readPlace(node.config)
  const problems: SignatureProblem[] = Array.isArray(place) ? [...place] : []
  const order = node.config["providers"] as readonly string[] | undefined
  if (order?.length === 0 || new Set(order).size !== (order?.length ?? 0)) {
    const message = "`providers` names no provider, or one twice."
    problems.push({ code: "G207", key: "providers", message, fix: "Write providers: [cpu, wasm], say." })
  }
  const limit = bytesMaxOf(node.config)
  if (limit < 1 || limit > MODEL_BYTES_MAX) {
    const message = `\`limit\` is ${limit} bytes, wanted 1 to ${MODEL_BYTES_MAX}.`
    problems.push({ code: "G207", key: "limit", message })
  }
  const key = modelPinKey(node.config)
  const locked = node.pin(key)
  const pin = readPin(locked)
  if (pin === undefined) {
    const message = `The model ${String(node.config["onnx"])} is not in the lock, so nobody knows what goes in and comes out.`
    problems.push({ code: "G205", key: "onnx", message, fix: "Run `shadowgraph lock`." })
  } else problems.push(...strayInputs(node, pin))
  if (problems.length > 0 || pin === undefined || !("path" in place || "url" in place)) return problems
  return {
    effect: "read",
    resource: placeResource(place),
    needs: placeNeeds(place),
    input: portsType(pin.inputs),
    output: portsType(pin.outputs),
    origin: "model",
    pins: { [key]: locked! },
  }
}

/** A record may have more fields than are wanted; a model takes the inputs that it has. */
function strayInputs(node: NodeView, pin: ModelPin): readonly SignatureProblem[] {
  const known = Object.keys(pin.inputs)
  return Object.keys(node.args)
    .filter((name) => !Object.hasOwn(pin.inputs, name))
    .map((name) => ({
      code: "G207",
      key: `with.${name}`,
      message: `The model has no input "${name}".`,
      fix: known.length === 0 ? "It has none: leave `with` out." : `It has: ${known.join(", ")}.`,
    }))
}

// ---- the call

function open(config: Rec, _resources: NodeView["resources"], services: Services, signature: Signature): Executor {
  const name = String(config["onnx"])
  const place = readPlace(config)
  const pin = readPin(signature.pins?.[modelPinKey(config)] as Rec | undefined)
  if (!("path" in place || "url" in place) || pin === undefined)
    throw fail("Refused", `Cannot open ${name}: it is not in the lock`, { data: { reason: "config" } })
  const runtime = need(services.onnx, `run the model ${name}`, "ONNX runtime")
  const stop = new AbortController()
  const load = () => pinnedModel(place, pin, bytesMaxOf(config), runtime, services, stop.signal)
  const running = new Running(name, runtime, config["providers"] as readonly string[] | undefined, load)
  return {
    execute: async (args, call) => {
      const { outputs, ran } = await running.answer(tensorsOf(args, pin), call.signal)
      await keepWord(ran, pin, call)
      if (config["allow_nan"] !== true) assertNumbers(outputs, name)
      return outputs
    },
    close: async () => stop.abort(),
  }
}

/** The arguments that the model takes, by the names that it has for them; the kernel held them against its ports. */
const tensorsOf = (args: Value, pin: ModelPin): { readonly [name: string]: Tensor } =>
  Object.fromEntries(
    Object.keys(pin.inputs).flatMap((name) => {
      const given = isRecord(args) ? args[name] : undefined
      return given instanceof Tensor ? [[name, given]] : []
    }),
  )

/**
 * Who answered, for the live view and for the record: `{ by, runtime, not: [{ provider, reason }], aside? }`. A run that goes
 * on after a stop finds the word of the call before it there, and adds its own where that is another.
 */
async function keepWord({ provider, passed, ...ran }: Ran, { sha256 }: ModelPin, call: Call): Promise<void> {
  const word: Rec = { by: provider, ...ran, not: passed.map((p) => ({ ...p })) }
  const why = passed.length === 0 ? "" : `; not on ${printPassed(passed)}`
  const aside = ran.aside === undefined ? "" : ` (${ran.aside})`
  call.note(`on ${provider}, ${ran.runtime}${aside}${why}\n`)
  call.by?.(`${provider}, ${ran.runtime}`, passed.length === 0 ? undefined : `not on ${printPassed(passed)}`)
  for (let n = 0; call.part !== undefined; n++) {
    const kept = await call.part({ model: sha256, n }, async () => word)
    if (sameValue(kept, word)) return
  }
}

/** Fails with `NotANumber` where an output of floating-point numbers holds a NaN. */
function assertNumbers(outputs: { readonly [name: string]: Tensor }, name: string): void {
  for (const [output, tensor] of Object.entries(outputs)) {
    const index = firstNaN(tensor)
    if (index === -1) continue
    throw fail("NotANumber", `${name} answered NaN at ${index} of "${output}"; allow_nan: true lets it through`, {
      data: { output, index },
    })
  }
}

function firstNaN({ dtype, data }: Tensor): number {
  const view = new DataView(data.buffer, data.byteOffset, data.length)
  if (dtype === "f32") {
    for (let at = 0; at < data.length; at += 4) if (Number.isNaN(view.getFloat32(at, true))) return at / 4
  } else if (dtype === "f64") {
    for (let at = 0; at < data.length; at += 8) if (Number.isNaN(view.getFloat64(at, true))) return at / 8
  } else if (dtype === "f16") {
    // All bits of the exponent, and one of the fraction.
    for (let at = 0; at < data.length; at += 2) if ((view.getUint16(at, true) & 0x7fff) > 0x7c00) return at / 2
  }
  return -1
}
