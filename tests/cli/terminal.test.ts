// What a person at a terminal meets: the question for grants and its three answers, the live view, questions of `ask`
// nodes, Ctrl-C. The command runs under a pseudo-terminal.
import { beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { spawn } from "node:child_process"
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { folderWith, main, shadowgraph } from "./command.ts"
import { openShop, type Shop } from "./shop.ts"

setDefaultTimeout(60_000)

interface Person {
  /** Waits until the terminal has shown this, escape sequences left out. */
  /** Waits until a text was shown, so many times. */
  readonly sees: (text: string, times?: number) => Promise<void>
  readonly types: (keys: string) => void
  readonly done: Promise<{ readonly exit: number; readonly shown: string; readonly raw: string }>
}

interface Terminal {
  readonly write: (keys: string) => void
  readonly close: () => void
}

const DOWN = "\u001b[B"
const ENTER = "\r"
const CTRL_C = "\u0003"
// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const plain = (raw: string): string => raw.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r\n", "\n")

function sit(folder: string, ...words: readonly string[]): Person {
  let raw = ""
  const looking = new Set<() => void>()
  const { CI: _, NO_COLOR: __, ...env } = process.env
  const options = {
    cwd: folder,
    env: { ...env, TERM: "xterm-256color" },
    terminal: {
      cols: 110,
      rows: 30,
      data: (_terminal: Terminal, bytes: Uint8Array) => {
        raw += new TextDecoder().decode(bytes)
        for (const look of looking) look()
      },
    },
  }
  // The terminal option is newer than Bun's types.
  const child = Bun.spawn([process.execPath, main, ...words], options as never) as unknown as {
    readonly exited: Promise<number>
    readonly terminal: Terminal
  }
  const done = child.exited.then((exit) => {
    child.terminal.close()
    return { exit, shown: plain(raw), raw }
  })
  return {
    sees: (text, times = 1) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (plain(raw).split(text).length <= times) return
          looking.delete(look)
          resolve()
        }
        looking.add(look)
        look()
        done.then(({ shown }) => reject(new TypeError(`it ended without showing "${text}": ${shown}`)))
      }),
    types: (keys) => child.terminal.write(keys),
    done,
  }
}

let shop: Shop
beforeAll(async () => {
  shop = await openShop()
  expect((await shadowgraph(shop.folder, "lock")).exit).toBe(0)
})
const project = () => join(shop.folder, "shadowgraph.project.json")

describe("the question for grants", () => {
  test("says what each means; no is exit 3, and nothing was touched", async () => {
    const person = sit(shop.folder, "run", "quote", "order=A17", "currency=USD")
    await person.sees("always, for this project")
    person.types(ENTER)
    const { exit, shown } = await person.done
    expect(exit).toBe(3)
    expect(shown).toContain("sql:shop:read             read the database shop")
    expect(shown).toContain(`not granted: mcp:files/read_text_file, net:${shop.rates}, sql:shop:read`)
    expect(shop.asked).toEqual([])
  })

  test("yes runs it, with a line for each node, the result, and what it took", async () => {
    const person = sit(shop.folder, "run", "quote", "order=A17", "currency=USD")
    await person.sees("always, for this project")
    person.types(DOWN)
    person.types(ENTER)
    const { exit, shown, raw } = await person.done
    expect(exit).toBe(0)
    for (const row of [
      /^ {2}lines +sql shop +[\d.]+ ms/m,
      /^ {2}tariff +mcp files +[\d.]+ m?s/m,
      /^ {2}rates +http 127\.0\.0\.1:\d+ +[\d.]+ ms/m,
      /^ {2}cost +pure map ×2$/m,
    ]) {
      expect(shown).toMatch(row)
    }
    expect(shown).toContain('{ "amount": 19.6875, "currency": "USD" }')
    expect(shown).toMatch(
      /5 nodes · 3 reads, 0 writes · [\d.]+ m?s(, its calls took [\d.]+ m?s)? · run [0-9A-Z]{10}… · trace [0-9a-f]{6}…/,
    )
    expect(existsSync(project())).toBe(false)
    // The cursor was hidden, and is there again.
    expect(raw.lastIndexOf("\u001b[?25h")).toBeGreaterThan(raw.lastIndexOf("\u001b[?25l"))
  })

  test("always is kept, beside what the file said before", async () => {
    writeFileSync(project(), '{ "grants": ["sql:shop"] }')
    const person = sit(shop.folder, "run", "quote", "order=A17", "currency=USD")
    await person.sees("always, for this project")
    person.types(DOWN)
    person.types(DOWN)
    person.types(ENTER)
    expect((await person.done).exit).toBe(0)
    expect(JSON.parse(readFileSync(project(), "utf8"))).toEqual({
      grants: ["mcp:files/read_text_file", `net:${shop.rates}`, "sql:shop"],
    })
    expect((await sit(shop.folder, "run", "quote", "order=A17", "currency=USD").done).exit).toBe(0)
    rmSync(project())
  })

  test("is not asked before the input is right", async () => {
    const { exit, shown } = await sit(shop.folder, "run", "quote", "order=A17").done
    expect(exit).toBe(2)
    expect(shown).toContain("currency is missing: wanted EUR | USD | GBP")
    expect(shown).not.toContain("Allow?")
  })

  test("Ctrl-C at the question is exit 130", async () => {
    const person = sit(shop.folder, "run", "quote", "order=A17", "currency=USD")
    await person.sees("always, for this project")
    person.types(CTRL_C)
    expect((await person.done).exit).toBe(130)
  })
})

describe("a run", () => {
  test("Ctrl-C stops it, and the terminal is as it was", async () => {
    writeFileSync(
      join(shop.folder, "hang.graph.yaml"),
      `graph: hang\nnodes:\n  wait: { http: "GET http://${shop.rates}/hang", output: string }\noutput: wait\n`,
    )
    const person = sit(shop.folder, "run", "hang", "-y")
    await person.sees("wait  http")
    person.types(CTRL_C)
    const { exit, shown, raw } = await person.done
    expect(exit).toBe(130)
    expect(shown).toContain("stopped  interrupted")
    expect(raw.lastIndexOf("\u001b[?25h")).toBeGreaterThan(raw.lastIndexOf("\u001b[?25l"))
  })

  test("an ask node asks; the answer is the value", async () => {
    writeFileSync(
      join(shop.folder, "approve.graph.yaml"),
      'graph: approve\ninput: { sum: number }\nnodes:\n  ok: { ask: "Pay ${ input.sum }?", choices: [yes, later] }\noutput: ok\n',
    )
    const person = sit(shop.folder, "run", "approve", "sum=12", "-y")
    await person.sees("Pay 12?")
    person.types(DOWN)
    person.types(ENTER)
    const { exit, shown } = await person.done
    expect(exit).toBe(0)
    expect(shown).toMatch(/^later$/m)
  })

  test("--quiet shows the result alone", async () => {
    const { shown } = await sit(shop.folder, "run", "quote", "order=A17", "currency=USD", "-y", "-q").done
    expect(shown).toBe('{ "amount": 19.6875, "currency": "USD" }\n')
  })
})

test("dev runs again at a save, and shows mistakes instead of stopping", async () => {
  const file = join(shop.folder, "two.graph.yaml")
  const graph = (expr: string) => `graph: two\nnodes:\n  x: { expr: "${expr}" }\noutput: x\n`
  writeFileSync(file, graph("1 + 1"))
  const person = sit(shop.folder, "dev", "two")
  await person.sees("\n2\n")
  await person.sees("waiting for a save")
  writeFileSync(file, graph("1 + y"))
  await person.sees("G102")
  writeFileSync(file, graph("1 + 41"))
  await person.sees("\n42\n")
  // Before that the run is not over yet, and Ctrl-C would be meant for it.
  await person.sees("waiting for a save", 3)
  person.types(CTRL_C)
  expect((await person.done).exit).toBe(0)
})

test("a reader that is slow gets all of a long result, and all problems, before the process ends", async () => {
  const folder = folderWith({
    "long.graph.yaml": 'graph: long\nnodes: { a: { expr: "range(60000)" } }\noutput: a\n',
    "wrong.graph.yaml": `graph: wrong\nnodes:\n${Array.from({ length: 1000 }, (_, i) => `  n${i}: { expr: none${i} }\n`).join("")}output: n1\n`,
  })
  const slowly = async (words: readonly string[], which: "stdout" | "stderr") => {
    const child = spawn(process.execPath, [main, ...words], { cwd: folder, stdio: "pipe" })
    child[which === "stdout" ? "stderr" : "stdout"].resume()
    const over = new Promise((done) => child.on("exit", done))
    // Nobody reads for longer than the command takes: the pipe is full, and the process has to wait.
    await Promise.race([over, new Promise((done) => setTimeout(done, 3_000))])
    let text = ""
    for await (const chunk of child[which]) text += chunk
    await over
    return text
  }
  expect(JSON.parse(await slowly(["run", "long"], "stdout"))).toHaveLength(60_000)
  expect((await slowly(["check", "wrong"], "stderr")).endsWith("1000 problems in 1 file\n")).toBe(true)
})
