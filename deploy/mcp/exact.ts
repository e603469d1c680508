/**
 * Messages of clients before the library parses them. It reads every number as a float64, so a whole one beyond 2^53 would come to a graph
 * with other digits and without a word; as text it has all of them, and is what an int64 takes as well.
 */
import { Failure, jsonText, readJson, type Value } from "../../graph/mod.ts"

/** The same JSON, with whole numbers beyond 2^53 as texts. What is no JSON stays as it is: the library says what is wrong. */
export function exactly(text: string): string {
  if (!/\d{16}/.test(text)) return text
  let message: Value
  try {
    message = readJson(text)
  } catch (cause) {
    if (cause instanceof Failure) return text
    throw cause
  }
  return jsonText(message, { nonFinite: "text" })
}
