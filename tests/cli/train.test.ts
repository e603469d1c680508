/** `train` and what follows from it, as a user has it: record, train, look at it, run ahead; and what serves nothing. */
import { beforeAll, describe, expect, test } from "bun:test"
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { openShadows } from "../../deploy/shadows/serving.ts"
import { ShadowStore } from "../../deploy/shadows/store.ts"
import { hex, sha256 } from "../../graph/mod.ts"
import { gateTarget } from "../../learn/mod.ts"
import { folderWith, start } from "./command.ts"

const GRAPH = `graph: sums
input: { a: number, b: number }
nodes:
  one: { fn: "./tools.js#sum", with: { a: "\${ input.a }", b: "\${ input.b }" }, effect: read, resource: "host:sum", output: number, speculate: true }
  two: { fn: "./tools.js#sum", with: { a: "\${ one }", b: "\${ input.b }" }, effect: read, resource: "host:sum", output: number, speculate: true }
output: two
`
const TOOLS = `const { SLOW, ODD } = process.env
const pause = () => new Promise((done) => setTimeout(done, Number(SLOW)))
export const sum = async ({ a, b }) => {
  if (SLOW) await pause()
  return a + b + (ODD ? 1 : 0)
}
export const put = async ({ a }) => a
`
const WRITES = `graph: writes
input: { a: number }
nodes:
  one: { fn: "./tools.js#put", with: { a: "\${ input.a }" }, effect: write, resource: "host:put", output: number }
output: one
`
const TOOL = "fn:./tools.js#sum"
let at: string
const did = (...words: string[]) => start(at, words).done

beforeAll(async () => {
  let s = 5
  const next = () => (s = (s * 48271) % 2147483647)
  const lines = Array.from({ length: 1_500 }, () => JSON.stringify({ a: next() % 10_000, b: next() % 10_000 }))
  at = folderWith({
    "sums.graph.yaml": GRAPH,
    "writes.graph.yaml": WRITES,
    "tools.js": TOOLS,
    "in.jsonl": lines.join("\n"),
  })
  await did("record", "sums.graph.yaml", "--inputs", "in.jsonl", "--calls", "3000", "--yes")
}, 120_000)

const folderOfShadow = (): string => {
  const home = join(at, ".shadowgraph", "shadows")
  const tool = readdirSync(home, { withFileTypes: true }).find((f) => f.isDirectory())!.name
  return join(home, tool, readdirSync(join(home, tool))[0]!)
}

describe("train", () => {
  test("keeps what the gate admits; a run looks ahead on it and comes to the tool's outcome", async () => {
    const made = await did("train", TOOL, "--yes", "--json")
    expect([made.exit, made.err]).toEqual([0, ""])
    const [said] = JSON.parse(made.out)
    expect(said).toMatchObject({ tool: TOOL, family: "composed", verdict: { outcome: "admitted", wrong: 0 } })
    const listed = JSON.parse((await did("shadow", "ls", "--json")).out)
    expect(listed).toMatchObject([{ tool: TOOL, hash: said.hash }])
    expect((await did("shadow", "show", TOOL)).out).toContain("admitted")
    // Without the count of submissions the card still says that there was one.
    const { card } = (await new ShadowStore(at).all()).shadows[0]!
    rmSync(join(at, ".shadowgraph", "shadows", "submissions.json"))
    expect(await new ShadowStore(at).book().last(gateTarget(card.tool, card.version))).toBe(1)
    expect((await did("shadow", "show", "fn:./tools.js#sun")).err).toContain("sum")
    const page = await did("shadow", "report", "--out", "r.html")
    expect(page.exit).toBe(0)
    const html = readFileSync(join(at, "r.html"), "utf8")
    expect(html).toContain("<svg")
    expect(html).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/)
    const run = await did("run", "sums.graph.yaml", "a=20", "b=3", "--yes", "--speculate", "--ledger", "memory")
    expect([run.exit, run.out.trim()]).toEqual([0, "26"])
    expect(run.err).not.toContain("no tool of the graph has a shadow")
  }, 120_000)

  test("a run tells an early answer to who asks, with its bound and what it rests on, and then whether it held", async () => {
    const words = ["run", "sums.graph.yaml", "a=20", "b=3", "--yes", "--early"]
    const env = { SLOW: "40" }
    const told = await start(at, words, { env }).done
    expect([told.exit, told.out]).toEqual([0, "26\n"])
    expect(told.err).toContain("early  26  guessed: one, two; at most 2 % wrong\n")
    expect(told.err).not.toContain("otherwise")
    const { hash } = (await new ShadowStore(at).all()).shadows[0]!.card
    const lines = (text: string) =>
      text
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line))
    const json = lines((await start(at, [...words, "--json"], { env }).done).out)
    const rests = ["one", "two"].map((path) => ({ path, by: hash, alpha: 0.01 }))
    expect(json[0]).toEqual({ early: { output: 26, bound: 0.02, rests } })
    expect(json.at(-1)).toMatchObject({ ok: true, output: 26, early: { told: 1, held: true } })

    // The tool answers otherwise than it did: the result is the tool's, and the early answer is taken back.
    const odd = await start(at, words, { env: { ...env, ODD: "1" } }).done
    expect([odd.exit, odd.out]).toEqual([0, "28\n"])
    expect(odd.err).toMatch(/early {2}26 [\s\S]*early {2}it came otherwise/)
    const entries = await start(at, ["runs", json.at(-1).run]).done
    expect(entries.out).toMatch(/guess +one +kept by [0-9a-f]{12}…, at most 1 % wrong: cells: exact, of checked cells/)
    // Process after process its guesses are wrong: then it is silent, for all that come after.
    for (let i = 0; i < 5; i++) await start(at, words, { env: { ...env, ODD: "1" } }).done
    expect((await did("shadow", "ls")).out).toMatch(/shut by drift, \d+ of 1118 calls heard\n$/)
    const silent = await start(at, [...words, "--json"], { env: { ...env, ODD: "1" } }).done
    expect(lines(silent.out)).toMatchObject([{ ok: true, output: 28 }])
    expect((await did("runs", lines(silent.out)[0].run)).out).toMatch(/guess +one +off: drift/)
    const against = await did(...words, "--no-speculate")
    expect([against.exit, against.err]).toEqual([2, expect.stringContaining("--early and --no-speculate")])
  }, 60_000)

  test("a program that runs takes up a shadow when training puts one there, and lets go of one that went", async () => {
    const card = join(folderOfShadow(), "card.json")
    const signed = readFileSync(card, "utf8")
    const { tool, version } = JSON.parse(signed).card
    rmSync(card)
    const problems: string[] = []
    const shadows = await openShadows(at, ({ reason }) => problems.push(reason), 10)
    const edition = async (than: number) => {
      while (shadows.edition() <= than) await new Promise((done) => setTimeout(done, 5))
      return [shadows.edition(), shadows.named(tool, version) !== undefined]
    }
    expect(await edition(0)).toEqual([1, false])
    // Half of a card is said once, however often it is looked at.
    writeFileSync(card, signed.slice(0, 40))
    expect(await edition(1)).toEqual([2, false])
    writeFileSync(card, signed)
    expect(await edition(2)).toEqual([3, true])
    expect(problems).toEqual(["unreadable"])
    rmSync(card)
    expect(await edition(3)).toEqual([4, false])
    writeFileSync(card, signed)
    await shadows.look()
    expect(shadows.edition()).toBe(5)
    // It is the one that was there, behind the door that drift has shut, and no other.
    const again = shadows.named(tool, version)!
    expect(again.predict({ a: 20, b: 3 })).toEqual({ ok: false, why: "drift" })
    expect(shadows.named(tool, `${version}0`)).toBeUndefined()
    shadows.close()
    const { shadows: kept } = await new ShadowStore(at).all()
    expect(kept.map(({ card, opened }) => [card.tool, card.version, opened.guess({ a: 20, b: 3 })?.value])).toEqual([
      [tool, version, 23],
    ])
  }, 60_000)

  test("a tool that writes has none, and a tool without calls is told what is missing", async () => {
    const refused = await did("train", "writes.graph.yaml", "--yes")
    expect([refused.exit, refused.out]).toEqual([1, expect.stringContaining("it writes")])
    const other = await did("train", "nothing", "--yes")
    expect([other.exit, other.err]).toEqual([2, expect.stringContaining("No graph of this folder calls")])
  }, 60_000)

  test("a card or a file that was changed, or another version of the tool, serves nothing", async () => {
    const folder = folderOfShadow()
    const card = join(folder, "card.json")
    const text = readFileSync(card, "utf8")
    const file = join(folder, `${JSON.parse(text).card.hash}.shadow`)
    const bytes = readFileSync(file)
    const problems = async () => {
      const { shadows, problems: found } = await new ShadowStore(at).all()
      expect(shadows).toEqual([])
      return found.map((p) => p.reason)
    }
    writeFileSync(card, text.replace('"alpha": 0.01', '"alpha": 0.001'))
    expect(await problems()).toEqual(["changed"])
    writeFileSync(card, "{")
    expect(await problems()).toEqual(["unreadable"])
    writeFileSync(card, text)
    const other = new Uint8Array(bytes)
    other[other.length >> 1]! ^= 1
    writeFileSync(file, other)
    expect(await problems()).toEqual(["changed"])
    // A whole other file under a card that was not signed for it.
    const forged = JSON.parse(text)
    forged.card.hash = hex(sha256(other))
    writeFileSync(card, JSON.stringify(forged))
    expect(await problems()).toEqual(["changed"])
    writeFileSync(card, text)
    writeFileSync(file, bytes)
    expect((await new ShadowStore(at).all()).shadows).toHaveLength(1)
    // The tool becomes another: its version is another, and the shadow is not asked.
    writeFileSync(join(at, "tools.js"), TOOLS.replace("a + b", "a - b"))
    const run = await did("run", "sums.graph.yaml", "a=20", "b=3", "--yes", "--speculate", "--ledger", "memory")
    expect([run.exit, run.out.trim()]).toEqual([0, "14"])
    expect(run.err).toContain("no tool of the graph has a shadow")
    const again = await did("train", TOOL, "--yes")
    expect([again.exit, again.out]).toEqual([1, expect.stringContaining("record calls of this one")])
  }, 120_000)
})
