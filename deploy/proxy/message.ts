/** A message as the proxy reads it: exactly, where that can be done; otherwise well enough to know whose it is. */
import { type Failure, isRecord, type Rec, readJson, type Value } from "../../graph/mod.ts"

export interface Message {
  readonly value: Value
  /** False: it holds a number that no value holds, or a key that none has. It is passed on, and not recorded. */
  readonly exact: boolean
}

/** Undefined, with the reason, for what is no JSON. */
export function messageOf(text: string): Message | { readonly value: undefined; readonly why: string } {
  try {
    return { value: readJson(text), exact: true }
  } catch (cause) {
    try {
      return { value: JSON.parse(text) as Value, exact: false }
    } catch {
      return { value: undefined, why: (cause as Failure).message }
    }
  }
}

/** The messages of a text: one, or those of a batch. */
export const messagesIn = (text: string): readonly Rec[] => listOf(messageOf(text).value)
export const listOf = (value: Value | undefined): readonly Rec[] =>
  (Array.isArray(value) ? (value as readonly Value[]) : [value]).filter((m): m is Rec => m !== undefined && isRecord(m))
