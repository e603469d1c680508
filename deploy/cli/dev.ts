/** `dev`: checks and runs a graph again whenever something that it depends on is saved. */
import { findSource } from "../project/source.ts"
import { programOf } from "./bytes.ts"
import { type Call, EXIT, usage } from "./command.ts"
import { showError } from "./errors.ts"
import { runProgram, Stop, settingsOf } from "./run.ts"
import { Saves } from "./saves.ts"

export async function run(call: Call): Promise<number> {
  const [named, ...words] = call.words
  if (named === undefined) throw usage("dev wants a graph", "shadowgraph dev quote.graph.yaml order=A17")
  const settings = settingsOf(call)
  const { err, env, cwd } = call.terminal
  const source = await findSource(named, cwd)
  const granted: string[] = []
  const saves = new Saves(source.folder)
  const { dim } = err.colours
  let quit = false
  const off = call.terminal.onInterrupt(() => {
    quit = true
    saves.wake()
  })
  try {
    while (!quit) {
      const stop = new Stop(call, settings.timeoutMs)
      saves.onSave(() => stop.now(EXIT.ok))
      try {
        const program = await programOf(call, named)
        if (program !== undefined) {
          await runProgram(call, program, words, { ...settings, stop, granted, again: ["dev", named, ...words] })
        }
      } catch (cause) {
        await showError(cause, call.terminal, !!env["SHADOWGRAPH_DEBUG"])
      } finally {
        stop.off()
      }
      if (quit) break
      err.write(dim("waiting for a save, Ctrl-C ends\n"))
      const file = await saves.next()
      if (file !== undefined) err.write(`\n${dim(`${file} was saved`)}\n`)
    }
    return EXIT.ok
  } finally {
    off()
    saves.close()
  }
}
