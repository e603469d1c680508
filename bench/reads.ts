/** A chain of reads that cost nothing by themselves, so that what is left is the commit. */
import * as v from "valibot"
import * as build from "../graph/build/mod.ts"

const read = (x: number): number => (x * 3 + 1) % 1000003

type Loose = (...args: unknown[]) => unknown

export function reads(size: number): { readonly graph: unknown; readonly read: typeof read } {
  const loose = build as unknown as { readonly graph: Loose; readonly fn: Loose }
  const tool = loose.fn(
    "r",
    { input: v.number(), output: v.number(), effect: "read", resource: "bench", needs: ["app:read"], async: false },
    read,
  ) as Loose
  const graph = loose.graph("reads", { input: { x: v.number() } }, function* (input: { x: unknown }): Generator<
    unknown,
    unknown,
    unknown
  > {
    let x = input.x
    for (let i = 0; i < size; i++)
      x = yield* tool(x, { name: `r${i}` }) as Iterable<unknown> & { [Symbol.iterator](): Iterator<unknown, unknown> }
    return x
  })
  return { graph, read }
}
