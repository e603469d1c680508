/**
 * A copy of an example's folder in which its commands are run: by the real command line, each in a process of its own, on
 * a terminal of 100 columns. Servers of the example listen on free ports, so that nothing on this machine is in the way.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { cpSync, type Dirent, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import process from "node:process"
import { environmentWith } from "../bin/runtimes.mjs"
import { screenOf } from "./screen.ts"
import type { Entry } from "./transcript.ts"

const root = join(import.meta.dirname, "..")
const COLUMNS = 100

/** The examples' own servers. */
const PORT = /(?<=localhost:|PORT = )47\d\d\b/g
/** What belongs to a run and not to the example. */
const LEFT_OUT = new Set(["out", ".shadowgraph", "node_modules", "expected.txt"])
const TEXTS = /\.(ya?ml|json|ts|lock)$/

export class Workbench {
  readonly #base: string
  readonly #folder: string
  readonly #ports: ReadonlyMap<string, string>
  readonly #servers: ChildProcess[] = []

  private constructor(base: string, folder: string, ports: ReadonlyMap<string, string>) {
    this.#base = base
    this.#folder = folder
    this.#ports = ports
  }

  static async open(example: string): Promise<Workbench> {
    const base = baseFor(basename(example))
    const folder = join(base, basename(example))
    cpSync(example, folder, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) })
    return new Workbench(base, folder, await ownPorts(folder))
  }

  /** What `npm start` runs, with the example that it shows: a copy of the clone as far as these need it. */
  static async start(): Promise<Workbench> {
    const base = baseFor("start")
    symlinkSync(join(root, "bin"), join(base, "bin"))
    for (const name of ["start.ts", "delivery"])
      cpSync(join(root, "examples", name), join(base, "examples", name), {
        recursive: true,
        filter: (path) => !LEFT_OUT.has(basename(path)),
      })
    return new Workbench(base, base, await ownPorts(join(base, "examples")))
  }

  /** Where the copy lies. */
  get folder(): string {
    return this.#folder
  }

  /** A port of the example → the one that it has here. */
  get ports(): ReadonlyMap<string, string> {
    return this.#ports
  }

  /** Runs a command line; one that ends in `&` is a server, and has started when it says its first line. */
  async run(command: string, keys: readonly string[]): Promise<Entry> {
    const line = this.#ownPorts(command)
      .replace(/ *&$/, "")
      .replaceAll("npx shadowgraph", `node ${quote(join(root, "bin/shadowgraph.mjs"))}`)
      .replaceAll("npx bun", quote(process.execPath))
    if (command.endsWith("&")) return { command, keys, output: this.#shown(await this.#behind(line)) }
    const { exit, text } = await this.#onTerminal(line, keys)
    const output = this.#shown(screenOf(text))
    return { command, keys, output: exit === 0 ? output : `${output}\n[exit ${exit}]` }
  }

  close(): void {
    for (const server of this.#servers) server.kill()
    rmSync(this.#base, { recursive: true, force: true })
  }

  async #onTerminal(line: string, keys: readonly string[]): Promise<{ readonly exit: number; readonly text: string }> {
    const left = [...keys]
    const decoder = new TextDecoder()
    let text = ""
    const child = Bun.spawn(["sh", "-c", line], {
      cwd: this.#folder,
      env: this.#environment(),
      terminal: {
        cols: COLUMNS,
        rows: 50,
        data: (terminal, chunk) => {
          const before = text.length
          text += decoder.decode(chunk, { stream: true })
          // A question that waits for an answer is marked so.
          if (left.length > 0 && text.slice(before).includes(ASKING)) terminal.write(pressed(left.shift()!))
        },
      },
    })
    const exit = await child.exited
    // What was written last may still be on its way.
    await new Promise((done) => setTimeout(done, 20))
    child.terminal?.close()
    return { exit, text }
  }

  async #behind(line: string): Promise<string> {
    const child = spawn("sh", ["-c", `exec ${line} 2>&1`], {
      cwd: this.#folder,
      env: this.#environment(),
      stdio: ["ignore", "pipe", "inherit"],
    })
    this.#servers.push(child)
    return await new Promise((done) => {
      child.stdout!.once("data", (chunk: Buffer) => done(chunk.toString("utf8")))
      child.once("close", (code) => done(`[exit ${code}]`))
    })
  }

  #environment(): Record<string, string | undefined> {
    const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...env } = environmentWith(process.execPath)
    return { ...env, TERM: "xterm-256color" }
  }

  #ownPorts(text: string): string {
    return withPorts(text, this.#ports)
  }

  /** As it would stand in the clone. */
  #shown(text: string): string {
    let shown = text.replaceAll(this.#folder, ".")
    for (const [port, own] of this.#ports) shown = shown.replaceAll(`localhost:${own}`, `localhost:${port}`)
    return shown.trimEnd()
  }
}

/** An empty folder whose packages, and `shadowgraph` itself, are those of the clone. */
function baseFor(name: string): string {
  const base = join(tmpdir(), `shadowgraph-${name}-${process.pid}`)
  rmSync(base, { recursive: true, force: true })
  mkdirSync(base)
  symlinkSync(join(root, "node_modules"), join(base, "node_modules"))
  const paths = {
    shadowgraph: [join(root, "mod.ts")],
    "shadowgraph/register": [join(root, "deploy/register.ts")],
    "shadowgraph/shadow": [join(root, "shadow/mod.ts")],
  }
  writeFileSync(join(base, "tsconfig.json"), JSON.stringify({ compilerOptions: { paths } }))
  return base
}

/** Gives every server that the files of a folder name a free port, in these files. */
async function ownPorts(folder: string): Promise<ReadonlyMap<string, string>> {
  const texts = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry: Dirent) => entry.isFile() && TEXTS.test(entry.name))
    .map((entry: Dirent) => join(entry.parentPath, entry.name))
    .map((file) => [file, readFileSync(file, "utf8")] as const)
  const named = [...new Set(texts.flatMap(([, text]) => text.match(PORT) ?? []))]
  const ports = new Map(await Promise.all(named.map(async (port) => [port, await freePort()] as const)))
  for (const [file, text] of texts) writeFileSync(file, withPorts(text, ports))
  return ports
}

const withPorts = (text: string, ports: ReadonlyMap<string, string>): string =>
  text.replace(PORT, (port) => ports.get(port) ?? port)

const ASKING = "◆"
const pressed = (line: string): string => `${line.replaceAll("↓", "\u001b[B")}\r`
const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

function freePort(): Promise<string> {
  return new Promise((done, failed) => {
    const server = createServer()
    server.once("error", failed)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => done(String(typeof address === "object" && address !== null ? address.port : 0)))
    })
  })
}
