/** Runs the real command as a process, in a folder made for the test, and hands back all that came of it. */
import { afterAll } from "bun:test"
import { spawn } from "node:child_process"
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"

const root = join(import.meta.dirname, "..", "..")
export const main = join(root, "deploy", "cli", "main.ts")
const folders: string[] = []
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true })
})

/** A fresh folder with these files; packages are found in it as in a project that installed them. */
export function folderWith(files: { readonly [path: string]: string }): string {
  const folder = mkdtempSync(join(tmpdir(), "shadowgraph-cli-"))
  folders.push(folder)
  mkdirSync(join(folder, "node_modules"))
  for (const name of readdirSync(join(root, "node_modules"))) {
    if (!name.startsWith(".")) symlinkSync(join(root, "node_modules", name), join(folder, "node_modules", name))
  }
  // The package itself, as its source.
  const own = join(folder, "node_modules", "shadowgraph")
  mkdirSync(own)
  const rooms = ["graph", "plan", "compile", "kernel", "bus", "shadow", "learn", "nodes", "deploy"]
  for (const name of ["mod.ts", ...rooms]) symlinkSync(join(root, name), join(own, name))
  const exports = Object.fromEntries(rooms.map((room) => [`./${room}`, `./${room}/mod.ts`]))
  writeFileSync(
    join(own, "package.json"),
    JSON.stringify({ name: "shadowgraph", type: "module", exports: { ".": "./mod.ts", ...exports } }),
  )
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

export interface Done {
  readonly exit: number | null
  readonly out: string
  readonly err: string
}

export interface Running {
  readonly done: Promise<Done>
  /** Resolves when the error stream or the output has said this. */
  readonly said: (text: string) => Promise<void>
  readonly signal: (name: NodeJS.Signals) => void
  /** All that it said so far. */
  readonly output: () => Promise<string>
}

/** Starts `shadowgraph …words` in a folder, without a terminal. */
export function start(
  folder: string,
  words: readonly string[],
  options: { readonly stdin?: string; readonly env?: NodeJS.ProcessEnv } = {},
): Running {
  const { NO_COLOR: _, FORCE_COLOR: __, ...env } = process.env
  const child = spawn(process.execPath, [main, ...words], {
    cwd: folder,
    env: { ...env, ...options.env },
    stdio: "pipe",
  })
  let out = ""
  let err = ""
  const listeners = new Set<() => void>()
  child.stdout.on("data", (chunk) => {
    out += chunk
    for (const listener of listeners) listener()
  })
  child.stderr.on("data", (chunk) => {
    err += chunk
    for (const listener of listeners) listener()
  })
  child.stdin.end(options.stdin ?? "")
  const done = new Promise<Done>((resolve) => child.on("close", (exit) => resolve({ exit, out, err })))
  return {
    done,
    said: (text) =>
      new Promise((resolve, reject) => {
        const look = () => {
          if (!(out + err).includes(text)) return
          listeners.delete(look)
          resolve()
        }
        listeners.add(look)
        look()
        done.then((d) => reject(new Error(`it ended without saying "${text}": ${d.out}${d.err}`)))
      }),
    signal: (name) => child.kill(name),
    output: async () => out + err,
  }
}

export const shadowgraph = (folder: string, ...words: readonly string[]): Promise<Done> => start(folder, words).done
