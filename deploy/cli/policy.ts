/** `--policy`: lines that come after those of the project's own file, and so decide over them. */
import { PolicyError, parsePolicy } from "../../graph/mod.ts"
import { type Call, usage } from "./command.ts"

/** Fails with `CliError` (`usage`) where a line is none. */
export function policyOf(call: Call): readonly string[] {
  const lines = call.list("policy")
  try {
    parsePolicy(lines)
  } catch (cause) {
    if (!(cause instanceof PolicyError)) throw cause
    throw usage(cause.message, 'shadowgraph run fetch --policy "allow model text into url at fetch.page"')
  }
  return lines
}
