/** A part from its description, whatever it is: the one table of them all. */
import { date, dateTime, epoch, time } from "./calendar.ts"
import { list, record, union } from "./compose.ts"
import { float64, integer } from "./numbers.ts"
import type { Part } from "./part.ts"
import type { PartSpec } from "./spec.ts"
import { boolean, bytes, nothing, text, word } from "./words.ts"

export function partOf(spec: PartSpec): Part {
  switch (spec.as) {
    case "null":
      return nothing
    case "boolean":
      return boolean
    case "float64":
      return float64
    case "integer":
      return integer(spec)
    case "word":
      return word(spec)
    case "text":
      return text(spec)
    case "bytes":
      return bytes(spec)
    case "list":
      return list(spec.min, spec.max, partOf(spec.of))
    case "record":
      return record(spec.fields.map(({ name, of, optional }) => ({ name, part: partOf(of), optional })))
    case "map": {
      const part = partOf(spec.of)
      return record(spec.keys.map((name) => ({ name, part, optional: true })))
    }
    case "union":
      return union(spec.of.map(partOf))
    case "date":
      return date(spec)
    case "time":
      return time(spec)
    case "date-time":
      return dateTime(spec)
    case "epoch":
      return epoch(spec)
  }
}
