/** `--speculate` and `--no-speculate`: whether runs look ahead, over what the project's file says. */
import type { ProjectFile, SessionOptions } from "../project.ts"
import { type Call, usage } from "./command.ts"

/** Fails with `CliError` (`usage`) where both are given. */
export function speculateOf(call: Call, file: ProjectFile): Pick<SessionOptions, "speculate"> {
  const [on, off] = [call.on("speculate"), call.on("no-speculate")]
  if (on && off) throw usage("--speculate and --no-speculate say opposite things", "Leave one of them out.")
  if (off) return { speculate: false }
  return on ? { speculate: file.speculate ?? {} } : {}
}
