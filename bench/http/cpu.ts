/**
 * Processor time of another process, which tells what a request costs also where the machine is shared: who has to wait for
 * the processor takes longer, and uses no more of it.
 */
import { readFileSync } from "node:fs"

/** In these units Linux counts (`USER_HZ`), on every architecture that Bun runs on. */
const TICKS_A_SECOND = 100

/** Seconds that the threads of the process have worked so far, in the program and in the kernel; undefined where no `/proc` says so. */
export function cpuOf(pid: number): number | undefined {
  let stat: string
  try {
    stat = readFileSync(`/proc/${pid}/stat`, "utf8")
  } catch {
    return undefined
  }
  // The name stands in brackets and may hold anything: what follows the last of them is fields in order, the third first.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
  return (Number(fields[11]) + Number(fields[12])) / TICKS_A_SECOND
}
