/**
 * Reads the dense layers out of an ONNX file: `Gemm`, or `MatMul` and `Add`, with `Relu` between, in one chain from one
 * input to one output. Everything else that ONNX can say is refused by name, for a shadow that is not pure, or whose
 * bits differ between hosts, is none. (github.com/onnx/onnx/blob/main/onnx/onnx.proto)
 */
import { joined } from "../../graph/mod.ts"
import { checkWidths, type Mlp, MODEL_WIDTH_MAX, WEIGHTS_MAX } from "./mlp.ts"
import { type ModelRefused, refusedModel } from "./refused.ts"
import {
  contents,
  type Field,
  fieldsOf,
  type Piece,
  pieceOf,
  readWhole,
  textOf,
  WireFault,
  wholeOf,
  wholesOf,
} from "./wire.ts"

export interface Found {
  readonly mlp: Mlp
  readonly properties: ReadonlyMap<string, string>
}

const FILE_BYTES_MAX = WEIGHTS_MAX * 4 + 8 * 2 ** 20
/** Operators have meant what they mean here since then. */
const OPSET_MIN = 7
const FLOAT = 1
const EXTERNAL = 1

interface Node {
  readonly name: string
  readonly op: string
  readonly domain: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly attributes: ReadonlyMap<string, Attribute>
}
interface Attribute {
  readonly f: number
  readonly i: number
  readonly tensor: Piece | undefined
}
interface Tensor {
  readonly name: string
  readonly dims: readonly number[]
  readonly data: Float32Array
}

/** The layers and metadata of a file, or why there are none. */
export function readOnnx(file: Uint8Array): Found | ModelRefused {
  if (file.length > FILE_BYTES_MAX) {
    return refusedModel(
      "too-large",
      "read",
      "the file",
      `at most ${FILE_BYTES_MAX} bytes`,
      `${file.length}`,
      "use a smaller model",
    )
  }
  return readWhole(file, modelOf)
}

function modelOf(whole: Piece): Found {
  let graph: Piece | undefined
  const opsets = new Map<string, number>()
  const properties = new Map<string, string>()
  for (const field of fieldsOf(whole)) {
    if (field.number === 7) graph = pieceOf(field)
    else if (field.number === 8) {
      const inside = fieldsOf(pieceOf(field))
      const version = one(inside, 2)
      opsets.set(textIn(inside, 1), version === undefined ? 0 : wholeOf(version))
    } else if (field.number === 14) {
      const inside = fieldsOf(pieceOf(field))
      properties.set(textIn(inside, 1), textIn(inside, 2))
    }
  }
  if (graph === undefined) throw new WireFault(whole.to === 0 ? "truncated" : "corrupt", 0, "no graph")
  const opset = opsets.get("") ?? opsets.get("ai.onnx") ?? 0
  if (opset < OPSET_MIN) throw foreign("the file", `operators of version ${OPSET_MIN} or newer`, `version ${opset}`)
  return { mlp: chainOf(graph), properties }
}

/** Follows the one value from the graph's input through its nodes, which ONNX lists in the order that they run. */
function chainOf(graph: Piece): Mlp {
  const fields = fieldsOf(graph)
  const nodes = fields.filter((f) => f.number === 1).map((f) => nodeOf(pieceOf(f)))
  const tensors = new Map<string, Tensor>()
  const keep = (t: Tensor) => tensors.set(t.name, t)
  for (const f of fields) if (f.number === 5) keep(tensorOf(pieceOf(f), undefined))
  for (const f of fields) if (f.number === 15) throw foreign("the graph", "dense tensors", "a sparse one")
  for (const n of nodes) if (n.op === "Constant") keep(constantOf(n))
  const named = (number: number) =>
    fields.filter((f) => f.number === number).map((f) => ({ name: textIn(fieldsOf(pieceOf(f)), 1), width: widthOf(f) }))
  const inputs = named(11).filter(({ name }) => !tensors.has(name))
  const outputs = named(12)
  if (inputs.length !== 1 || outputs.length !== 1) {
    throw foreign("the graph", "one input and one output", `${inputs.length} and ${outputs.length}`)
  }
  const chain = new Chain(tensors, inputs[0]!.name)
  for (const node of nodes) if (node.op !== "Constant") chain.follow(node)
  const mlp = chain.end(outputs[0]!.name)
  for (const [what, width, want] of [
    ["input", inputs[0]!.width, mlp.widths[0]!],
    ["output", outputs[0]!.width, mlp.widths.at(-1)!],
  ] as const) {
    if (width !== undefined && width !== want) {
      throw refusedModel(
        "shape",
        "read",
        `the ${what}`,
        `${want} columns, as its weights have`,
        `${width}`,
        "export it again",
      )
    }
  }
  return mlp
}

class Chain {
  readonly #tensors: ReadonlyMap<string, Tensor>
  readonly #widths: number[] = []
  readonly #weights: Float32Array[] = []
  readonly #biases: Float32Array[] = []
  #value: string
  #last: "input" | "dense" | "product" | "relu" = "input"

  constructor(tensors: ReadonlyMap<string, Tensor>, input: string) {
    this.#tensors = tensors
    this.#value = input
  }

  follow(node: Node): void {
    const place = `node "${node.name || node.op}"`
    if (node.domain !== "" && node.domain !== "ai.onnx") throw foreign(place, "an operator of ONNX", node.domain)
    const rest = node.inputs.filter((name) => name !== this.#value)
    const used = node.inputs.length - rest.length
    if (used !== 1 || node.outputs.length !== 1) {
      throw foreign(place, `one use of "${this.#value}" and one output`, `${used} and ${node.outputs.length}`)
    }
    if (node.op === "Gemm") this.#gemm(node, place)
    else if (node.op === "MatMul") this.#product(node, place)
    else if (node.op === "Add") this.#add(rest[0] ?? "", place)
    else if (node.op === "Relu") this.#relu(place)
    else if (node.op !== "Identity") throw foreign(place, "Gemm, MatMul, Add or Relu", node.op.slice(0, 40))
    this.#value = node.outputs[0]!
  }

  end(output: string): Mlp {
    if (this.#value !== output) throw foreign("the output", `"${this.#value}", the end of the chain`, `"${output}"`)
    if (this.#last === "input") throw foreign("the graph", "a dense layer", "none")
    if (this.#last === "relu") throw foreign("the graph", "no Relu after the last layer", "one")
    return { widths: this.#widths, weights: this.#weights, biases: this.#biases }
  }

  #gemm(node: Node, place: string): void {
    const number = (name: string, otherwise: number) => node.attributes.get(name)?.f ?? otherwise
    const flag = (name: string) => node.attributes.get(name)?.i ?? 0
    if (number("alpha", 1) !== 1 || number("beta", 1) !== 1 || flag("transA") !== 0) {
      throw foreign(place, "alpha 1, beta 1 and transA 0", "others")
    }
    if (node.inputs[0] !== this.#value) throw foreign(place, "the value as its first input", "a weight")
    const w = this.#tensor(node.inputs[1], place)
    const transposed = flag("transB") === 1
    this.#layer(transposed ? transpose(w, place) : w, place)
    if (node.inputs[2]) this.#bias(node.inputs[2], place)
    this.#last = "dense"
  }

  #product(node: Node, place: string): void {
    if (node.inputs[0] !== this.#value) throw foreign(place, "the value as its first input", "a weight")
    this.#layer(this.#tensor(node.inputs[1], place), place)
    this.#last = "product"
  }

  #add(name: string, place: string): void {
    if (this.#last !== "product") throw foreign(place, "an Add right after a MatMul", "one elsewhere")
    this.#bias(name, place)
    this.#last = "dense"
  }

  #relu(place: string): void {
    if (this.#last === "input" || this.#last === "relu")
      throw foreign(place, "a Relu after a dense layer", "another place")
    this.#last = "relu"
  }

  #layer({ dims, data }: Tensor, place: string): void {
    if (this.#last === "dense" || this.#last === "product") throw foreign(place, "a Relu between two layers", "none")
    const [inputs, outputs] = dims
    const before = this.#widths.at(-1)
    if (dims.length !== 2 || (before !== undefined && inputs !== before)) {
      const want = `weights [${before ?? "inputs"}, outputs]`
      throw refusedModel("shape", "read", place, want, `[${dims.join(", ")}]`, "export it again")
    }
    if (before === undefined) this.#widths.push(inputs!)
    this.#widths.push(outputs!)
    const wrong = checkWidths(this.#widths)
    if (wrong !== undefined) throw wrong
    this.#weights.push(data)
    this.#biases.push(new Float32Array(outputs!))
  }

  #bias(name: string, place: string): void {
    const { dims, data } = this.#tensor(name, place)
    const outputs = this.#widths.at(-1)!
    const row = dims.length === 1 || (dims.length === 2 && dims[0] === 1)
    if (!row || dims.at(-1) !== outputs) {
      throw refusedModel("shape", "read", place, `biases [${outputs}]`, `[${dims.join(", ")}]`, "export it again")
    }
    this.#biases[this.#biases.length - 1] = data
  }

  #tensor(name: string | undefined, place: string): Tensor {
    const found = this.#tensors.get(name ?? "")
    if (found === undefined) throw foreign(place, "weights that stand in the file", `"${name ?? ""}"`)
    return found
  }
}

function transpose({ name, dims, data }: Tensor, place: string): Tensor {
  const [outputs, inputs] = dims
  if (dims.length !== 2)
    throw refusedModel("shape", "read", place, "two dimensions", `${dims.length}`, "export it again")
  const turned = new Float32Array(data.length)
  for (let o = 0; o < outputs!; o++) for (let i = 0; i < inputs!; i++) turned[i * outputs! + o] = data[o * inputs! + i]!
  return { name, dims: [inputs!, outputs!], data: turned }
}

function nodeOf(piece: Piece): Node {
  const fields = fieldsOf(piece)
  const texts = (number: number) => fields.filter((f) => f.number === number).map(textOf)
  const attributes = fields.filter((f) => f.number === 5).map((f) => attributeOf(pieceOf(f)))
  return {
    name: textIn(fields, 3),
    op: textIn(fields, 4),
    domain: textIn(fields, 7),
    inputs: texts(1),
    outputs: texts(2),
    attributes: new Map(attributes),
  }
}

function attributeOf(piece: Piece): [string, Attribute] {
  const fields = fieldsOf(piece)
  const [f, i, t] = [one(fields, 2), one(fields, 3), one(fields, 5)]
  return [
    textIn(fields, 1),
    {
      f: f === undefined ? 0 : floats(contents(pieceOf(f)), f)[0]!,
      i: i?.value ?? 0,
      tensor: t === undefined ? undefined : pieceOf(t),
    },
  ]
}

function constantOf(node: Node): Tensor {
  const tensor = node.attributes.get("value")?.tensor
  if (tensor === undefined || node.outputs.length !== 1) {
    throw foreign(`node "${node.name || node.op}"`, "a Constant with a tensor", "another")
  }
  return tensorOf(tensor, node.outputs[0])
}

function tensorOf(piece: Piece, called: string | undefined): Tensor {
  const fields = fieldsOf(piece)
  const name = called ?? textIn(fields, 8)
  const place = `tensor "${name}"`
  const dims = fields.filter((f) => f.number === 1).flatMap(wholesOf)
  const [type, external] = [one(fields, 2), one(fields, 14)]
  if (type === undefined || wholeOf(type) !== FLOAT) throw foreign(place, "float32", "another type")
  if (external !== undefined && wholeOf(external) === EXTERNAL)
    throw foreign(place, "its data in the file", "elsewhere")
  if (dims.length > 2 || dims.some((d) => d < 1 || d > MODEL_WIDTH_MAX)) {
    const want = `one or two dimensions of 1 to ${MODEL_WIDTH_MAX}`
    throw refusedModel("shape", "read", place, want, `[${dims.slice(0, 8).join(", ")}]`, "export it again")
  }
  const raw = one(fields, 9)
  const data = raw
    ? floats(contents(pieceOf(raw)), raw)
    : floats(joinedFloats(fields.filter((f) => f.number === 4)), undefined)
  const want = dims.reduce((n, d) => n * d, 1)
  if (data.length !== want) {
    throw refusedModel("shape", "read", place, `${want} numbers`, `${data.length}`, "export it again")
  }
  return { name, dims, data }
}

/** `float_data` comes in one piece or number by number; either way it is the numbers one after another. */
const joinedFloats = (fields: readonly Field[]): Uint8Array => joined(fields.map((f) => contents(pieceOf(f))))

function floats(bytes: Uint8Array, field: Field | undefined): Float32Array {
  if (bytes.length % 4 !== 0) throw new WireFault("corrupt", field?.at ?? 0, `${bytes.length} bytes of float32`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  return Float32Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true))
}

/** The second dimension that a port states: ValueInfo → type → tensor → shape → dim → value. */
function widthOf(port: Field): number | undefined {
  let piece: Piece | undefined = pieceOf(port)
  for (const number of [2, 1, 2]) {
    const next: Field | undefined = piece && one(fieldsOf(piece), number)
    piece = next && pieceOf(next)
  }
  const dims = piece ? fieldsOf(piece).filter((f) => f.number === 1) : []
  const value = dims.length === 2 ? one(fieldsOf(pieceOf(dims[1]!)), 1) : undefined
  return value && wholeOf(value)
}

/** Of fields that may not repeat, the last counts. */
const one = (fields: readonly Field[], number: number): Field | undefined => fields.findLast((f) => f.number === number)
function textIn(fields: readonly Field[], number: number): string {
  const found = one(fields, number)
  return found === undefined ? "" : textOf(found)
}

const foreign = (place: string, want: string, found: string): ModelRefused =>
  refusedModel("foreign", "run", place, want, found, "only dense layers with ReLU between them can be a shadow")
