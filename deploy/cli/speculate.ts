/** `--speculate`, `--early` and `--no-speculate`: whether runs look ahead, over what the project's file says. */
import type { ProjectFile, SessionOptions } from "../project/project.ts"
import { type Call, usage } from "./command.ts"

/** Fails with `CliError` (`usage`) where both are given. */
export function speculateOf(call: Call, file: ProjectFile): Pick<SessionOptions, "speculate"> {
  const [on, off, early] = [call.on("speculate"), call.on("no-speculate"), call.on("early")]
  if ((on || early) && off)
    throw usage(`--${on ? "speculate" : "early"} and --no-speculate say opposite things`, "Leave one of them out.")
  if (off) return { speculate: false }
  return on || early ? { speculate: file.speculate ?? {} } : {}
}
