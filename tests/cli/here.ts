/**
 * Runs a command line in this process, with texts in place of a terminal: the command itself without the start of a process, which
 * takes longer than most commands. What a process is for (signals, streams, the protocol of `mcp serve`) wants `command.ts`.
 */
import { PassThrough, Readable } from "node:stream"
import pc from "picocolors"
import { main } from "../../deploy/cli/cli.ts"
import type { Stream } from "../../deploy/cli/terminal.ts"
import type { Done } from "./command.ts"

interface Heard extends Stream {
  readonly text: () => string
}

function listening(): Heard {
  let text = ""
  const stream = new PassThrough().on("data", (chunk) => (text += String(chunk)))
  return {
    write: (more) => void (text += more),
    isTerminal: false,
    columns: () => 80,
    rows: () => 24,
    colours: pc.createColors(false),
    stream,
    text: () => text,
  }
}

/** `shadowgraph …words` in a folder. */
export async function shadowgraphHere(folder: string, ...words: readonly string[]): Promise<Done> {
  const [out, err] = [listening(), listening()]
  const exit = await main(words, {
    out,
    err,
    input: Readable.from([]),
    person: false,
    cwd: folder,
    env: process.env,
    onInterrupt: () => () => {},
    quit: (code) => {
      throw new RangeError(`The command ended its process with ${code}`)
    },
  })
  return { exit, out: out.text(), err: err.text() }
}
