/**
 * Loaded into the server before its own code (`bun --preload`), for the soak alone: at SIGUSR2 it collects what nobody holds
 * and says on the error stream what is left. Nothing in the server knows of it.
 */
import { heapStats } from "bun:jsc"

process.on("SIGUSR2", () => {
  Bun.gc(true)
  const { heapSize, objectCount } = heapStats()
  process.stderr.write(`memory ${JSON.stringify({ heap: heapSize, objects: objectCount })}\n`)
})
