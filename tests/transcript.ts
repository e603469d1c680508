/**
 * A transcript: commands after `$ `, each with what it printed. It is a test that reads as documentation: the commands
 * are run anew in a copy of the folder, and what they print must be what stands there. Times, ids and ports are blotted.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { cpSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"
import process from "node:process"
import { environmentWith } from "../bin/runtimes.mjs"

const root = join(import.meta.dirname, "..")

export interface Entry {
  readonly command: string
  /** Standard output and error as they came; a last line `[exit 2]` where the command failed. */
  readonly output: string
}

export function parseTranscript(text: string): readonly Entry[] {
  return text
    .split(/^\$ /m)
    .slice(1)
    .map((part) => {
      const end = part.indexOf("\n")
      return { command: part.slice(0, end), output: part.slice(end + 1).trimEnd() }
    })
}

export const printTranscript = (entries: readonly Entry[]): string =>
  `${entries.map(({ command, output }) => `$ ${command}\n${output === "" ? "" : `${output}\n`}`).join("\n")}`

/** The transcripts in a page: its blocks marked `console`. */
const BLOCK = /^```console\n([\s\S]*?)^```$/gm

export const shownIn = (page: string): readonly Entry[] =>
  [...page.matchAll(BLOCK)].flatMap(([, block]) => parseTranscript(block!))

/** The page with its outputs replaced by those of the same commands in `entries`. */
export function refresh(page: string, entries: readonly Entry[]): string {
  const outputs = new Map(entries.map((e) => [e.command, e.output]))
  return page.replace(BLOCK, (_, block: string) => {
    const shown = parseTranscript(block).map(({ command, output }) => ({
      command,
      output: outputs.get(command) ?? output,
    }))
    return `\`\`\`console\n${printTranscript(shown)}\`\`\``
  })
}

/** What no two runs share. */
export function blot(text: string): string {
  return text
    .replace(/\b\d+(\.\d+)? (ms|s)\b/g, "… $2")
    .replace(/"ms":[\d.]+/g, '"ms":…')
    .replace(/\b[0-9A-HJKMNP-TV-Z]{26}\b/g, "01…")
    .replace(/\b[0-9a-f]{64}\b/g, (hash) => `${hash.slice(0, 0)}…`)
    .replace(/[ \t]+$/gm, "")
}

/** Ports of the examples' own servers; a copy of an example gets free ones, so that nothing on this machine is in its way. */
const PORT = /\b47\d\d\b/g
/** What belongs to a run and not to the example. */
const LEFT_OUT = new Set(["out", ".shadowgraph", "node_modules", "expected.txt"])

/** A copy of an example's folder in which its commands are run. */
export class Workbench {
  readonly folder: string
  readonly #base: string
  readonly #servers: ChildProcess[] = []
  readonly #ports: ReadonlyMap<string, string>

  private constructor(base: string, folder: string, ports: ReadonlyMap<string, string>) {
    this.#base = base
    this.folder = folder
    this.#ports = ports
  }

  static async open(example: string): Promise<Workbench> {
    const base = join(tmpdir(), `shadowgraph-${basename(example)}-${process.pid}`)
    rmSync(base, { recursive: true, force: true })
    const folder = join(base, basename(example))
    cpSync(example, folder, { recursive: true, filter: (path) => !LEFT_OUT.has(basename(path)) })
    // Packages, and `shadowgraph` itself, are those of the clone.
    symlinkSync(join(root, "node_modules"), join(base, "node_modules"))
    const paths = { shadowgraph: [join(root, "mod.ts")], "shadowgraph/*": [join(root, "*/mod.ts")] }
    writeFileSync(join(base, "tsconfig.json"), JSON.stringify({ compilerOptions: { paths } }))
    const files = (
      readdirSync(folder, { recursive: true, withFileTypes: true }) as {
        name: string
        parentPath: string
        isFile: () => boolean
      }[]
    )
      .filter((f) => f.isFile() && /\.(ya?ml|json|ts|md|lock)$/.test(f.name))
      .map((f) => join(f.parentPath, f.name))
    const texts = new Map(files.map((file) => [file, readFileSync(file, "utf8")]))
    const named = [...new Set([...texts.values()].flatMap((text) => text.match(PORT) ?? []))]
    const ports = new Map(await Promise.all(named.map(async (port) => [port, String(await freePort())] as const)))
    for (const [file, text] of texts)
      writeFileSync(
        file,
        text.replace(PORT, (port) => ports.get(port)!),
      )
    return new Workbench(base, folder, ports)
  }

  /** Runs a command line; one that ends in `&` is a server, and has started when it says its first line. */
  async run(command: string): Promise<Entry> {
    const behind = command.endsWith("&")
    const line = command
      .replace(/ *&$/, "")
      .replaceAll("npx shadowgraph", `${quote(nodePath())} ${quote(join(root, "bin/shadowgraph.mjs"))}`)
      .replaceAll("npx bun", quote(process.execPath))
      .replace(PORT, (port) => this.#ports.get(port) ?? port)
    const { NO_COLOR: _, FORCE_COLOR: __, CI: ___, ...env } = environmentWith(process.execPath)
    const child = spawn("sh", ["-c", `exec 2>&1; ${behind ? "exec " : ""}${line}`], {
      cwd: this.folder,
      env,
      stdio: ["ignore", "pipe", "inherit"],
    })
    let said = ""
    child.stdout!.setEncoding("utf8").on("data", (text: string) => (said += text))
    const ended = new Promise<number>((done) => child.once("close", (code) => done(code ?? 1)))
    if (behind) {
      this.#servers.push(child)
      const spoke = new Promise<undefined>((done) => child.stdout!.once("data", () => done(undefined)))
      await Promise.race([spoke, ended])
      return { command, output: this.#plain(said) }
    }
    const exit = await ended
    const output = this.#plain(said)
    return { command, output: exit === 0 ? output : `${output}\n[exit ${exit}]` }
  }

  close(): void {
    for (const server of this.#servers) server.kill()
    rmSync(this.#base, { recursive: true, force: true })
  }

  #plain(text: string): string {
    let plain = text.replaceAll(this.folder, ".")
    for (const [port, free] of this.#ports) plain = plain.replaceAll(free, port)
    return blot(plain).trimEnd()
  }
}

const quote = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`

/** The command starts under Node, as npx starts it. */
const nodePath = (): string => (process.versions.bun === undefined ? process.execPath : "node")

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const server = createServer()
    server.once("error", failed)
    server.listen(0, "127.0.0.1", () => {
      const address = server.address()
      server.close(() => done(typeof address === "object" && address !== null ? address.port : 0))
    })
  })
}
