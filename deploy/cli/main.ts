/** Runs the command line of this process. Importing this file is running the command; `cli.ts` is for programs. */
import process from "node:process"
import { main } from "./cli.ts"
import { terminalOf } from "./terminal.ts"

/** Milliseconds that tools have to close when the terminal hangs up. */
const HANG_UP_MS = 2000

// `shadowgraph … | head` closes the pipe early: what is left to say is of no interest to anybody.
for (const stream of [process.stdout, process.stderr]) {
  stream.on("error", (cause: NodeJS.ErrnoException) => {
    if (cause.code === "EPIPE") process.exit(0)
    // The terminal is gone.
    if (cause.code === "EIO") process.exit(129)
  })
}
process.stdin.on("error", (cause: NodeJS.ErrnoException) => {
  if (cause.code === "EIO") process.exit(129)
})
// What is stopped closes its tools first; a question on a terminal that is gone would never be answered.
process.on("SIGHUP", () => setTimeout(() => process.exit(129), HANG_UP_MS).unref())

const exit = await main(process.argv.slice(2), terminalOf(process))
// Text for a pipe may still be on its way: a reader may be slow, and what is not read yet is lost with the process. Bun
// calls back at once for an empty piece, so the streams are ended. Connections that a tool left open must not keep the process.
const ended = (stream: NodeJS.WriteStream) => new Promise<void>((done) => void stream.end(() => done()))
await Promise.all([ended(process.stdout), ended(process.stderr)])
process.exit(exit)
