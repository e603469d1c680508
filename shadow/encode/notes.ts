/**
 * Notes: what is known of a value beyond its type, by the place inside it. Without them a number is any float64 and a
 * text has no bound. They come from a tool's schema (`schema-notes.ts`), from its calls (`measured.ts`), or from a person.
 */
import type { Zone } from "./spec.ts"

export interface Notes {
  /** Of a number: it is whole. */
  readonly integer?: boolean
  /** Of a number: it has at most so many decimals, 0 to 15. */
  readonly decimals?: number
  /** Of a number or an int64: bounds, both included. Of a number they count where it is whole or has decimals. */
  readonly min?: number | bigint
  readonly max?: number | bigint
  /** Of a text: an ISO 8601 form. Of a number: whole seconds or milliseconds since 1970. */
  readonly format?: "date" | "time" | "date-time" | "epoch-s" | "epoch-ms"
  /** Of a time: how an output says it. An input says both. Default `fields`. */
  readonly by?: "fields" | "count"
  /** Of a time: its first and last year. Default 0 to 9999; `epoch-s` and `epoch-ms` too. */
  readonly years?: readonly [number, number]
  /** Of a time as text: the least and the most digits of a fraction of a second, and the zone. Default 0 to 9, `any`. */
  readonly fraction?: readonly [number, number]
  readonly zone?: Zone
  /** Code points of a text, bytes, items of a list. */
  readonly minLength?: number
  readonly maxLength?: number
  /** Of a text: the only characters in it. Default: all of Unicode. */
  readonly alphabet?: string
  /** Of a text: code points are below this. */
  readonly below?: number
  /** Of a text: the only texts that it can be, such as units. */
  readonly words?: readonly string[]
  /** Of a map: the only keys in it. */
  readonly keys?: readonly string[]
  /** Of a list or a map: notes of the items. */
  readonly of?: Notes
  /** Of a record: notes of its fields. */
  readonly fields?: { readonly [name: string]: Notes }
  /** Of a union: notes of its members, in their order. */
  readonly members?: readonly (Notes | undefined)[]
}
