/**
 * Values and their one canonical encoding. Equal means equal canonical bytes; identity is the SHA-256 of them. What a
 * value is stands in `value/model.ts`, its bytes in `value/encode.ts` and `value/decode.ts`.
 */
export { decode } from "./value/decode.ts"
export { type Digest, encode, hashValue, hex, sha256, unhex } from "./value/encode.ts"
export { joined } from "./value/joined.ts"
export {
  CODEC_DEPTH_MAX,
  compareKeys,
  DEPTH_MAX,
  DTYPE_BYTES,
  isRecord,
  type Rec,
  sameBytes,
  sameValue,
  TENSOR_DIMS_MAX,
  Tensor,
  type Value,
  ValueError,
} from "./value/model.ts"
export { numbersOf, tensorOf } from "./value/numbers.ts"
