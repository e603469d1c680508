// The text with the mutants in it, all asleep, does what the source does; each that is switched on does something else.
import { afterAll, expect, test } from "bun:test"
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "../repository.ts"
import { mutate, SWITCHES } from "./mutants.ts"
import { turn } from "./switch.ts"

const SOURCE = `
export function of(a: number, b: number): unknown[] {
  const said: unknown[] = []
  const say = (x: unknown): void => { said.push(x) }
  if (a > 0) say("above")
  else say("not above")
  if (a > 5 && b > 5) say("both")
  try {
    if (a === 7) throw "seven"
    else say("not seven")
  } catch (cause) { say(cause) }
  say(within(a, b))
  say(a > b ? "more" : "no more")
  return said
}
function within(a: number, b: number): boolean {
  return a >= 1 || b <= 1
}
`
const folder = mkdtempSync(join(realpathSync(tmpdir()), "mutants-"))
afterAll(() => rmSync(folder, { recursive: true }))

type Module = { readonly of: (a: number, b: number) => unknown }
const CASES = [-1, 0, 1, 2, 5, 6, 7].flatMap((a) => [0, 1, 2, 5, 6].map((b) => [a, b] as const))
const seen = ({ of }: Module): string => JSON.stringify(CASES.map(([a, b]) => of(a, b) ?? "nothing"))

test("asleep, nothing is changed; awake, each is noticed", async () => {
  const { mutants, text } = mutate("source.ts", SOURCE, 0)
  writeFileSync(join(folder, "source.ts"), SOURCE)
  writeFileSync(join(folder, "mutated.ts"), `import ${SWITCHES} from "${root}/tests/mutate/switch.ts"\n${text}`)
  const source = seen((await import(join(folder, "source.ts"))) as Module)
  const mutated = (await import(join(folder, "mutated.ts"))) as Module
  expect(seen(mutated)).toBe(source)
  const unnoticed = mutants.filter(({ id }) => {
    turn(id)
    return seen(mutated) === source
  })
  turn(-1)
  expect(unnoticed).toEqual([])
  expect(new Set(mutants.map((m) => m.what)).size).toBe(10)
})
