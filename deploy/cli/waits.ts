/** What a run waits for, for people and for programs. */
import { printPath } from "../../graph/mod.ts"
import type { Wait } from "../../kernel/mod.ts"
import { waitText } from "../engine/again.ts"
import type { RunResult } from "../engine/engine.ts"
import { printable } from "./errors.ts"

export const waitJson = (wait: Wait): object => ({
  path: printPath(wait.path),
  why: wait.why,
  ...(wait.until === null ? {} : { until: new Date(wait.until).toISOString() }),
  text: waitText(wait),
})

/** What `run` and `runs` say of a run that rests, for a person. */
export const parkedLines = ({ parked = [], run }: RunResult): readonly string[] => [
  ...parked.map((wait) => printable(waitText(wait))),
  ...parked.slice(0, 3).map((wait) => `shadowgraph runs resume ${run.slice(0, 12)}… ${hint(wait)}`),
]

function hint({ why, path }: Wait): string {
  const at = printPath(path)
  if (why === "sleep") return "  when its time has come; serve does so by itself"
  if (why === "budget") return "--budget …"
  if (why === "held") return `--send ${at}`
  return why === "uncertain" ? `--answer ${at}=… (it was done) | --refuse ${at} | --send ${at}` : `--answer ${at}=…`
}
