/** Cells as plain data: what stands in the file, without insertions or expressions. */
import type { Value } from "../value.ts"
import type { Cell } from "./source.ts"

export function plainValue(cell: Cell): Value {
  if (cell.kind === "list") return cell.items.map(plainValue)
  if (cell.kind === "map")
    return Object.fromEntries([...cell.entries.values()].map(({ key, cell }) => [key, plainValue(cell)]))
  return cell.value
}
