/**
 * Schemas for the types that schema libraries do not have, under the types' own names: int64, bytes, tensors, streams.
 * Each is a Standard Schema whose type is known exactly; the kernel's own validator judges its values.
 */
import { type DType, T, type Type } from "../type.ts"
import { fromSchema, OWN_VENDOR } from "../valibot.ts"
import type { Tensor } from "../value.ts"
import type { AnySchema, Gives, Schema } from "./types.ts"

const typed = <A>(type: Type): Schema<A, A> & { readonly type: Type } => ({
  type,
  "~standard": { version: 1, vendor: OWN_VENDOR, validate: (value: unknown) => ({ value }) },
})

/** A signed 64-bit integer, a bigint in TypeScript. */
export const int64Type = (): Schema<bigint, bigint> => typed(T.int64)
export const bytesType = (): Schema<Uint8Array, Uint8Array> => typed(T.bytes)
/** A tensor; `null` in its shape is a length that only the value knows. */
export const tensor = (dtype: DType, shape: readonly (number | null)[] | null = null): Schema<Tensor, Tensor> =>
  typed(T.tensor(dtype, shape))
/** A stream of items, consumed by `map` and `fold` only. */
export const stream = <A>(item: Gives<A>): Schema<AsyncIterable<A>, AsyncIterable<A>> =>
  typed(T.stream(fromSchema(item as AnySchema, "item of a stream").type))
/** A type given directly; the TypeScript type is the author's word. */
export const ofType = <A>(type: Type): Schema<A, A> => typed(type)
