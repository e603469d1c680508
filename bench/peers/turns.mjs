// What the peers of the durable bench have in common: each is a process of its own on Node, runs a batch when a line on
// its standard input says so, and answers with times. The workload is that of bench/durable.ts.
import { createInterface } from "node:readline"

export const STEPS = 10
/** One step of the workload: a function that answers at once, its call and answer to be on record. */
export const step = async (x) => (x * 31 + 7) % 1_000_003

/** Runs `count` workflows, `atOnce` at a time; milliseconds of the whole and of each. */
export async function batch(run, { count, atOnce, first }) {
  const each = []
  let next = 0
  const began = performance.now()
  await Promise.all(
    Array.from({ length: atOnce }, async () => {
      while (next < count) {
        const i = next++
        const start = performance.now()
        const answer = await run(first + i)
        each.push(performance.now() - start)
        let expected = 1
        for (let s = 0; s < STEPS; s++) expected = (expected * 31 + 7) % 1_000_003
        if (answer !== expected) throw new RangeError(`answers ${answer}, wanted ${expected}`)
      }
    }),
  )
  return { ms: performance.now() - began, each }
}

export async function serve(run, close) {
  process.stdout.write("ready\n")
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "end") break
    process.stdout.write(`${JSON.stringify(await batch(run, JSON.parse(line)))}\n`)
  }
  await close()
  process.exit(0)
}
