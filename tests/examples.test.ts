// The examples do what their transcripts say: each `expected.txt` is run command by command, by the real command line in
// a process of its own, in a copy of its folder; and what a README shows is what the transcript holds.
// `GOLDEN=write bun test tests/examples.test.ts` writes both anew.
import { afterAll, beforeAll, describe, expect, test } from "bun:test"
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { blotted, type Entry, parseTranscript, printTranscript, refresh, shownIn } from "./transcript.ts"
import { Workbench } from "./workbench.ts"

const home = join(import.meta.dirname, "../examples")
const names = readdirSync(home)
  .filter((name) => existsSync(join(home, name, "expected.txt")))
  .sort()
const writing = process.env["GOLDEN"] === "write"

for (const name of names) {
  describe(`examples/${name}`, () => {
    const file = join(home, name, "expected.txt")
    const page = join(home, name, "README.md")
    const wanted = parseTranscript(readFileSync(file, "utf8"))
    let bench: Workbench
    beforeAll(async () => {
      bench = await Workbench.open(join(home, name))
    })
    afterAll(() => bench.close())

    test("does what its transcript says", async () => {
      const found: Entry[] = []
      for (const { command, keys } of wanted) found.push(await bench.run(command, keys))
      if (writing) {
        writeFileSync(file, printTranscript(blotted(found)))
        writeFileSync(page, refresh(readFileSync(page, "utf8"), found))
      } else expect(printTranscript(blotted(found))).toBe(printTranscript(wanted))
    }, 120_000)

    test("has a page that shows the same", () => {
      const shown = blotted(shownIn(readFileSync(page, "utf8")))
      const known = new Map(parseTranscript(readFileSync(file, "utf8")).map((e) => [e.command, e]))
      expect(shown).toEqual(shown.map(({ command }) => known.get(command)!))
    })
  })
}

test("every folder of examples has its transcript and its page", () => {
  const folders = readdirSync(home, { withFileTypes: true }).filter((f) => f.isDirectory())
  for (const { name } of folders) {
    expect(existsSync(join(home, name, "expected.txt")), `examples/${name}/expected.txt`).toBe(true)
    expect(existsSync(join(home, name, "README.md")), `examples/${name}/README.md`).toBe(true)
  }
})

describe("npm start", () => {
  let bench: Workbench
  const start = () =>
    Bun.spawn([process.execPath, join(bench.folder, "examples/start.ts")], {
      stdout: "pipe",
      stderr: "pipe",
      stdin: "ignore",
    })
  beforeAll(async () => {
    bench = await Workbench.start()
  })
  afterAll(() => bench.close())

  test("runs the main example both ways, and says what that saved", async () => {
    const child = start()
    const [said, shown, exit] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
      child.exited,
    ])
    expect({ exit, shown: exit === 0 ? "" : shown }).toEqual({ exit: 0, shown: "" })
    const port = bench.ports.get("4780")
    expect(shown.match(new RegExp(`roads\\.do +http localhost:${port} ×120`, "g"))?.length).toBe(2)
    // What is pure is counted as well, though it takes no time of its own.
    expect(shown.match(/plans +pure map ×120/g)?.length).toBe(2)
    expect(said).toContain("120 orders for 4267.07 EUR, less 5 % by contract: **4053.72 EUR**")
    expect(said).toContain("the same, byte for byte")
    expect(Number(/([\d.]+) times as fast/.exec(said)?.[1])).toBeGreaterThan(1)
    expect(existsSync(join(bench.folder, "examples/delivery/out/picture.svg"))).toBe(true)
  }, 120_000)

  test("says who may have its port, and what to do, where that is taken", async () => {
    const port = Number(bench.ports.get("4780"))
    const taken = Bun.listen({ hostname: "127.0.0.1", port, socket: { data: () => undefined } })
    try {
      const child = start()
      const [shown, exit] = await Promise.all([new Response(child.stderr).text(), child.exited])
      expect({ exit, shown }).toEqual({
        exit: 1,
        shown: `Cannot start the example's server: port ${port} is in use, perhaps by another \`npm start\`. End that, then start this one again.\n`,
      })
    } finally {
      taken.stop(true)
    }
  })
})
