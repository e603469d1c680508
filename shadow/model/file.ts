/**
 * A model as a file: ONNX, so that any ONNX runtime can run it, with metadata of ours, so that the file alone says what
 * goes in and comes out. Its name is the SHA-256 of its bytes. The same weights and metadata are the same bytes.
 */
import { hex, sha256 } from "../../graph/mod.ts"
import { checkMlp, type Mlp } from "./mlp.ts"
import { type Found, readOnnx } from "./onnx.ts"
import { ModelRefused, refusedModel } from "./refused.ts"
import { bytes, fileOf, message, string, whole } from "./wire.ts"

/** What a file says of its model beside the weights. */
export interface About {
  /** Descriptions of the encoding of the arguments and of the output, as `encodingFrom` and `outputFrom` take them. */
  readonly input?: unknown
  readonly output?: unknown
  /** The tool it stands for, and which version of it answered the calls that it was trained on. */
  readonly tool?: string
  readonly toolVersion?: string
  /** Anything else worth keeping: seed, steps, hash of the calls. Names of letters, digits and `_`. */
  readonly notes?: Readonly<Record<string, string>>
}

export interface ModelFile {
  readonly mlp: Mlp
  readonly about: About
  readonly bytes: Uint8Array<ArrayBuffer>
  /** SHA-256 of the bytes, in hexadecimal: the model's name. */
  readonly hash: string
}

/** Version of our metadata. */
const FORMAT = "1"
const IR_VERSION = 8
const OPSET = 17
const FLOAT = 1
/** Ours are a few hundred bytes; a file of this much text is no model. */
const ABOUT_BYTES_MAX = 4 * 2 ** 20

/** The file of a model. */
export function writeModel(mlp: Mlp, about: About = {}): ModelFile | ModelRefused {
  const wrong = checkMlp(mlp)
  if (wrong !== undefined) return wrong
  const properties = propertiesOf(about)
  if (properties instanceof ModelRefused) return properties
  const file = fileOf([
    whole(1, IR_VERSION),
    string(2, "shadowgraph"),
    message(7, ...graphOf(mlp)),
    message(8, string(1, ""), whole(2, OPSET)),
    ...properties.map(([key, value]) => message(14, string(1, key), string(2, value))),
  ])
  return { mlp, about, bytes: file, hash: hex(sha256(file)) }
}

/** The model in a file: one of ours, or any ONNX file of the same shape. Nothing in it is trusted. */
export function readModel(file: Uint8Array): ModelFile | ModelRefused {
  const found = readOnnx(file)
  if (found instanceof ModelRefused) return found
  const wrong = checkMlp(found.mlp)
  if (wrong !== undefined) return wrong
  const about = aboutOf(found)
  if (about instanceof ModelRefused) return about
  const copy = Uint8Array.from(file)
  return { mlp: found.mlp, about, bytes: copy, hash: hex(sha256(copy)) }
}

function graphOf({ widths, weights, biases }: Mlp) {
  const layers = widths.length - 1
  const nodes = weights.flatMap((_, l) => {
    const [last, from] = [l === layers - 1, l === 0 ? "x" : `h${l - 1}`]
    const dense = message(
      1,
      string(1, from),
      string(1, `w${l}`),
      string(1, `b${l}`),
      string(2, last ? "y" : `z${l}`),
      string(3, `dense_${l}`),
      string(4, "Gemm"),
    )
    const relu = message(1, string(1, `z${l}`), string(2, `h${l}`), string(3, `relu_${l}`), string(4, "Relu"))
    return last ? [dense] : [dense, relu]
  })
  const tensor = (name: string, dims: readonly number[], data: Float32Array) =>
    message(5, ...dims.map((d) => whole(1, d)), whole(2, FLOAT), string(8, name), bytes(9, littleEndian(data)))
  const tensors = weights.flatMap((w, l) => [
    tensor(`w${l}`, [widths[l]!, widths[l + 1]!], w),
    tensor(`b${l}`, [widths[l + 1]!], biases[l]!),
  ])
  const port = (field: number, name: string, width: number) =>
    message(
      field,
      string(1, name),
      message(2, message(1, whole(1, FLOAT), message(2, message(1, string(2, "N")), message(1, whole(1, width))))),
    )
  return [...nodes, string(2, "shadow"), ...tensors, port(11, "x", widths[0]!), port(12, "y", widths.at(-1)!)]
}

function littleEndian(data: Float32Array): Uint8Array {
  const view = new DataView(new ArrayBuffer(data.length * 4))
  for (let i = 0; i < data.length; i++) view.setFloat32(i * 4, data[i]!, true)
  return new Uint8Array(view.buffer)
}

function propertiesOf({ input, output, tool, toolVersion, notes }: About): [string, string][] | ModelRefused {
  const given = { input, output, tool, tool_version: toolVersion }
  const own = Object.entries(given).flatMap(([key, v]): [string, string][] =>
    v === undefined ? [] : [[`shadowgraph.${key}`, typeof v === "string" ? v : JSON.stringify(v)]],
  )
  const more = Object.entries(notes ?? {}).toSorted(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
  const bad = more.find(([key, v]) => !/^\w{1,64}$/.test(key) || typeof v !== "string")
  if (bad !== undefined) {
    const want = "a name of letters, digits and _, and a text"
    return refusedModel("spec", "write", `note "${bad[0]}"`, want, String(bad[1]), "rename it")
  }
  return [
    ["shadowgraph.format", FORMAT],
    ...own,
    ...more.map(([k, v]): [string, string] => [`shadowgraph.note.${k}`, v]),
  ]
}

/** What the metadata says; nothing where it is not ours. */
function aboutOf({ properties }: Found): About | ModelRefused {
  const format = properties.get("shadowgraph.format")
  if (format === undefined) return {}
  const say = (key: string, want: string, found: string) =>
    refusedModel(
      "spec",
      "read metadata",
      `"${key}"`,
      want,
      found.slice(0, 80),
      "write the file again with this version",
    )
  if (format !== FORMAT) return say("shadowgraph.format", FORMAT, format)
  const about: { -readonly [K in keyof About]: About[K] } = {}
  const notes: [string, string][] = []
  let size = 0
  for (const [key, value] of properties) {
    size += key.length + value.length
    if (size > ABOUT_BYTES_MAX) return say(key, `at most ${ABOUT_BYTES_MAX} characters in all`, "more")
    if (key === "shadowgraph.input" || key === "shadowgraph.output") {
      const spec = jsonOf(value)
      if (spec === undefined) return say(key, "JSON", value)
      about[key === "shadowgraph.input" ? "input" : "output"] = spec
    } else if (key === "shadowgraph.tool") about.tool = value
    else if (key === "shadowgraph.tool_version") about.toolVersion = value
    else if (key.startsWith("shadowgraph.note.")) notes.push([key.slice(17), value])
  }
  return notes.length === 0 ? about : { ...about, notes: Object.fromEntries(notes) }
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
