/**
 * The claim that hosts agree: numbers that were written down once, on Bun, and are found again on every host: the trace
 * hashes of runs, the fuel at which each of them stops, and the fuel that programs take in the sandbox.
 */
import { Draw } from "../../gate/mod.ts"
import { quickJsSandbox } from "../sandbox/quickjs.ts"
import type { Checked, Claim } from "./claim.ts"
import { GRAPHS, kindsFor } from "./running.ts"
import { engineOf, nothingSeen, planOf } from "./tools.ts"

/** By graph: the first twelve digits of the trace of its run, and the least fuel with which it comes to its end. */
const RUNS: { readonly [graph: string]: readonly [trace: string, fuel: number] } = {
  sums: ["f5395104f56d", 3],
  lists: ["913676376fd5", 12],
  choices: ["379d9cf8e9e7", 3],
  reads: ["575aa586125b", 8],
  writes: ["d7a710a38e37", 4],
  failing: ["297dd67d220b", 5],
  looping: ["2cfcdabc7fd2", 31],
}

const PROGRAMS: readonly (readonly [source: string, fuel: number])[] = [
  ["export default (x) => { let n = 0; for (let i = 0; i < 1000; i++) n += i * x; return n }", 38158],
  ["export default (x) => [5, 3, 9].map((y) => y * x).sort((a, b) => a - b).join()", 2374],
  ["export default (x) => JSON.stringify({ a: [x, { b: 'c'.repeat(20) }] }).replace(/c+/g, 'd')", 4773],
  ["const f = (n) => (n < 2 ? n : f(n - 1) + f(n - 2)); export default (x) => f(x + 9)", 17849],
]

async function agree(): Promise<Checked> {
  const wrong: string[] = []
  let tried = 0
  const says = (what: string, found: string | number, want: string | number | undefined) => {
    tried++
    if (found !== want) wrong.push(`${what}: ${found}, elsewhere ${want}`)
  }
  for (const text of GRAPHS) {
    const kinds = kindsFor(nothingSeen())
    const { checked, bytes } = planOf(text, kinds)
    const { name } = checked.graph
    const input = new Draw(new Uint8Array(16).fill(3)).value(checked.input)
    for (const codegen of [false, true]) {
      const engine = engineOf(kinds, { codegen })
      const ready = await engine.prepare(bytes, { grants: checked.needs })
      const { trace } = await ready.run(input)
      says(`the trace of ${name}`, trace.slice(0, 12), RUNS[name]?.[0])
      let fuel = 1
      for (; fuel < 1_000; fuel++) {
        const { outcome } = await ready.run(input, { fuel })
        if (outcome.ok || outcome.failure.code !== "Fuel") break
      }
      says(`the fuel of ${name}`, fuel, RUNS[name]?.[1])
      await engine.close()
    }
  }
  const sandbox = quickJsSandbox()
  for (const [source, fuel] of PROGRAMS) {
    const loaded = await sandbox.load(source)
    if (!loaded.ok) wrong.push(loaded.message)
    else {
      says("the fuel of a program", loaded.program.call(3).fuel, fuel)
      loaded.program.close()
    }
  }
  return { tried, what: "numbers of other hosts", how: "every", wrong }
}

export const HOSTS: readonly Claim[] = [
  {
    name: "hosts agree",
    says: "Traces, and the place where fuel ends a run or a program, are those of every other host.",
    check: agree,
  },
]
