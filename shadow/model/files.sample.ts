/** ONNX files for tests, of any operators: written here field by field, so that a test says what its model is. */
import { bytes, fileOf, type Message, message, string, whole } from "./wire.ts"

export interface Port {
  readonly name: string
  /** `TensorProto.DataType`; 1 is float32. */
  readonly type: number
  /** A text is a size with a name; left out, the port states no shape. */
  readonly dims?: readonly (number | string)[]
}
export interface Op {
  readonly op: string
  readonly inputs: readonly string[]
  readonly outputs: readonly string[]
  readonly domain?: string
  /** Whole numbers. */
  readonly attributes?: Readonly<Record<string, number>>
}
export interface ModelOf {
  readonly nodes: readonly Op[]
  readonly inputs: readonly Port[]
  readonly outputs: readonly Port[]
  /** Weights of float32. `away`: said to lie in another file. */
  readonly weights?: readonly {
    readonly name: string
    readonly dims: readonly number[]
    readonly data: Float32Array
    readonly away?: boolean
  }[]
  /** Default 17; `null` says none. */
  readonly opset?: number | null
}

const INT = 2

export function modelFile({ nodes, inputs, outputs, weights = [], opset = 17 }: ModelOf): Uint8Array<ArrayBuffer> {
  const ports = (field: number, of: readonly Port[]) => of.map((port) => message(field, ...portOf(port)))
  const graph: Message[] = [
    ...nodes.map((node) => message(1, ...nodeOf(node))),
    string(2, "g"),
    ...weights.map(({ name, dims, data, away }) =>
      message(
        5,
        ...dims.map((d) => whole(1, d)),
        whole(2, 1),
        string(8, name),
        bytes(9, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
        ...(away === true ? [whole(14, 1)] : []),
      ),
    ),
    ...ports(11, inputs),
    ...ports(12, outputs),
  ]
  const operators = opset === null ? [] : [message(8, string(1, ""), whole(2, opset))]
  return fileOf([whole(1, 8), string(2, "test"), message(7, ...graph), ...operators])
}

const nodeOf = ({ op, inputs, outputs, domain, attributes = {} }: Op): Message[] => [
  ...inputs.map((name) => string(1, name)),
  ...outputs.map((name) => string(2, name)),
  string(4, op),
  ...Object.entries(attributes).map(([name, n]) => message(5, string(1, name), whole(3, n), whole(20, INT))),
  ...(domain === undefined ? [] : [string(7, domain)]),
]

const portOf = ({ name, type, dims }: Port): Message[] => {
  const sizes = dims?.map((d) => message(1, typeof d === "number" ? whole(1, d) : string(2, d))) ?? []
  return [
    string(1, name),
    message(2, message(1, whole(1, type), ...(dims === undefined ? [] : [message(2, ...sizes)]))),
  ]
}
