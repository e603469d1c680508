/** What of a run was taken back, as its record tells it: the same for every server, and for whoever looks later. */
import { Failure, type Path, printPath, UNDO } from "../../graph/mod.ts"
import { type History, openOutcome, type Undone } from "../../kernel/mod.ts"

/** Undefined where nobody undid it. What stopped an undo before it was called stands on no record. */
export function undoneOnRecord({ undoable, known, left: said }: History): Undone | undefined {
  const byPath = new Map(undoable.map(({ path }) => [printPath(path), path]))
  const undone: Path[] = []
  let stuck: Undone["stuck"]
  for (const { path, how, data, message } of known.values()) {
    const of = path.at(-1) === UNDO ? byPath.get(printPath(path.slice(0, -1))) : undefined
    if (of === undefined) continue
    if (how === "delivered") undone.push(of)
    else {
      const outcome = openOutcome(data, message)
      if (!outcome.ok && outcome.failure instanceof Failure) stuck = { path: of, failure: outcome.failure }
    }
  }
  const left = undoable.filter(({ path }) => said.includes(printPath(path))).map(({ path }) => path)
  if (undone.length === 0 && left.length === 0 && stuck === undefined) return undefined
  const seen = new Set([...undone, ...left, ...(stuck === undefined ? [] : [stuck.path])].map(printPath))
  const untouched = undoable.map(({ path }) => path).filter((path) => !seen.has(printPath(path)))
  return { undone, left, untouched, ...(stuck === undefined ? {} : { stuck }) }
}
