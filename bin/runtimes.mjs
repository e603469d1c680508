// Finds the Bun and Deno binaries that npm brought, whether or not npm ran their install scripts. Newer npm versions
// block those scripts, and then `node_modules/.bin/bun` is only a note saying so; the real binary lies in a package
// of this platform beside it. Also runs a program in them as if the user had typed it. Uses nothing but Node's own
// modules, so that it works before anything is installed.
import { spawn, spawnSync } from "node:child_process"
import { existsSync, readdirSync, statSync } from "node:fs"
import { constants } from "node:os"
import { delimiter, dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

/** The folder of the repository, or of the installed package. */
export const root = join(dirname(fileURLToPath(import.meta.url)), "..")

const exe = process.platform === "win32" ? ".exe" : ""
/** Stand-in scripts are a few hundred bytes; the binaries are tens of megabytes. */
const BINARY_BYTES_MIN = 1_000_000

function isBinary(path) {
  return existsSync(path) && statSync(path).size > BINARY_BYTES_MIN
}

/** `node_modules` of this folder and of every folder above it, as Node resolves packages. */
function moduleFolders(from) {
  const up = dirname(from)
  return [join(from, "node_modules"), ...(up === from ? [] : moduleFolders(up))].filter((folder) => existsSync(folder))
}

function scoped(modules, scope) {
  const folder = join(modules, scope)
  return existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []
}

/** Several packages may serve one platform (glibc and musl): the first that starts is the right one. */
function firstThatStarts(paths) {
  return paths.filter(isBinary).find((path) => spawnSync(path, ["--version"], { stdio: "ignore" }).status === 0)
}

/** Path of a working Bun: this process, one from npm, or one on the PATH; undefined when there is none. */
export function findBun(from = root) {
  if (process.versions.bun) return process.execPath
  const fromNpm = moduleFolders(from).flatMap((modules) => [
    join(modules, "bun", "bin", "bun.exe"),
    ...scoped(modules, "@oven").map((folder) => join(folder, "bin", `bun${exe}`)),
  ])
  return firstThatStarts(fromNpm) ?? onPath("bun")
}

/** Path of a working Deno, found as {@link findBun} finds Bun. */
export function findDeno(from = root) {
  const fromNpm = moduleFolders(from).flatMap((modules) => [
    join(modules, "deno", `deno${exe}`),
    ...scoped(modules, "@deno").map((folder) => join(folder, `deno${exe}`)),
  ])
  return firstThatStarts(fromNpm) ?? onPath("deno")
}

/**
 * This process's environment with the folder of `command` and npm's folder of commands first on the PATH, so that a
 * child finds it by name too. The first comes first: among npm's commands may lie a stand-in.
 */
export function environmentWith(command) {
  const name = Object.keys(process.env).find((key) => key.toUpperCase() === "PATH") ?? "PATH"
  const folders = [dirname(command), join(root, "node_modules", ".bin"), process.env[name] ?? ""]
  return { ...process.env, [name]: folders.join(delimiter) }
}

/**
 * Runs `command` with this process's terminal and ends this process as the child ended (128 + n after signal n).
 * Ctrl-C reaches the child from the terminal itself, so here it is ignored and is handled once, there; without a
 * terminal a signal comes to this process alone and is passed on.
 */
export function run(command, args, options = {}) {
  const child = spawn(command, args, { stdio: "inherit", env: environmentWith(command), ...options })
  const onTerminal = [process.stdin, process.stdout, process.stderr].some((stream) => stream.isTTY)
  process.on("SIGINT", () => onTerminal || child.kill("SIGINT"))
  for (const signal of ["SIGTERM", "SIGHUP"]) {
    process.on(signal, () => {
      child.kill(signal)
      // Who does not end by itself, as on a terminal that is gone, is ended.
      setTimeout(() => child.kill("SIGKILL"), 5000).unref()
    })
  }
  child.on("error", (error) => {
    console.error(`Cannot start ${command}: ${error.message}`)
    process.exit(1)
  })
  child.on("exit", (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)))
}

function onPath(name) {
  const folders = (process.env.PATH ?? "").split(delimiter)
  return firstThatStarts(folders.map((folder) => join(folder, `${name}${exe}`)))
}
