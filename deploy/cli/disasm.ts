/** `disasm`: a plan as text. */
import { decodePlan, disasm, planHash } from "../../plan/mod.ts"
import { programOf } from "./bytes.ts"
import { type Call, EXIT, usage } from "./command.ts"

export async function run(call: Call): Promise<number> {
  const [named, ...more] = call.words
  if (named === undefined || more.length > 0)
    throw usage("disasm wants one plan or graph", "shadowgraph disasm quote.plan")
  const program = await programOf(call, named)
  if (program === undefined) return EXIT.failed
  const { bytes } = program
  call.terminal.out.write(disasm(decodePlan(bytes), planHash(bytes), { verbose: call.on("verbose") }))
  return EXIT.ok
}
