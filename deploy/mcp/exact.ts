/**
 * Messages of clients before the library parses them. It reads every number as a float64, so a whole one beyond 2^53 would come to a graph
 * with other digits and without a word; as text it has all of them, and is what an int64 takes as well.
 */
import { Failure, readJson, type Value } from "../../graph/mod.ts"

/**
 * The same JSON, with whole numbers as texts where a float64 would be written with other digits. The others stay numbers: an id is
 * answered as it came, and a number of a graph takes no text. What is no JSON stays as it is: the library says what is wrong.
 */
export function exactly(text: string): string {
  if (!/\d{16}/.test(text)) return text
  let message: Value
  try {
    message = readJson(text)
  } catch (cause) {
    if (cause instanceof Failure) return text
    throw cause
  }
  return JSON.stringify(message, (_, v: unknown) => (typeof v === "bigint" ? written(v) : v))
}

const written = (n: bigint): number | string => (String(Number(n)) === String(n) ? Number(n) : String(n))
