// Makes a clone ready to run: installs the packages when they are missing or are not those of package-lock.json, and
// leaves an up-to-date clone alone. `npm start`, `npm test` and `npx shadowgraph` call it first, so a stranger never
// has to know that there is an install step. Uses nothing but Node's own modules.
import { spawnSync } from "node:child_process"
import { existsSync, lstatSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { findBun, root } from "../bin/runtimes.mjs"

function readJson(path) {
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined
}

/**
 * The first locked package that is absent or has another version, or undefined when all are there. Optional packages
 * (binaries for other platforms) do not count. Where another package manager laid out the folder, only the direct
 * dependencies are compared: the depth at which the others lie is its own affair.
 */
export function stalePackage() {
  const laidOutByNpm = existsSync(join(root, "node_modules", ".package-lock.json"))
  const { packages } = readJson(join(root, "package-lock.json"))
  const direct = { ...packages[""].dependencies, ...packages[""].devDependencies }
  for (const [path, { version, optional }] of Object.entries(packages)) {
    if (path === "" || optional) continue
    if (!laidOutByNpm && !(path.replace("node_modules/", "") in direct)) continue
    const found = readJson(join(root, path, "package.json"))?.version
    if (found !== version) return { name: path.replace("node_modules/", ""), wanted: version, found }
  }
  return undefined
}

/** The command that installs: `npm ci` into an empty clone, `npm install` over an old one, `bun install` without npm. */
function installer() {
  const verb = existsSync(join(root, "node_modules")) ? "install" : "ci"
  const quiet = ["--no-audit", "--no-fund", "--loglevel=error"]
  const npmScript = process.env.npm_execpath
  if (npmScript?.endsWith("npm-cli.js")) return { command: process.execPath, args: [npmScript, verb, ...quiet] }
  const npm = process.platform === "win32" ? "npm.cmd" : "npm"
  const hasNpm = spawnSync(npm, ["--version"], { stdio: "ignore", shell: process.platform === "win32" }).status === 0
  if (hasNpm || !process.versions.bun) return { command: npm, args: [verb, ...quiet] }
  return { command: process.execPath, args: ["install"] }
}

/**
 * Installs what is missing and returns the path of Bun. Ends the process with exit code 1 and a sentence when the
 * install fails; its output goes to stderr, so that a piped result stays clean.
 */
export function ready() {
  const stale = stalePackage()
  if (stale) install(stale)
  const bun = findBun()
  if (!bun) {
    fail(
      `Cannot find Bun: package "bun" brought no binary for ${process.platform}-${process.arch}. ` +
        "Install Bun from https://bun.com and try again.",
    )
  }
  return bun
}

function install(stale) {
  const modules = join(root, "node_modules")
  if (existsSync(modules) && lstatSync(modules).isSymbolicLink()) {
    const found = stale.found ?? "nothing"
    fail(`Cannot install into a linked node_modules: ${stale.name} must be ${stale.wanted}, found ${found}.`)
  }
  console.error(existsSync(modules) ? `Updating packages (${stale.name} ${stale.wanted})…` : "Installing packages…")
  const { command, args } = installer()
  const { status } = spawnSync(command, args, {
    cwd: root,
    stdio: ["ignore", 2, 2],
    shell: process.platform === "win32" && command.endsWith(".cmd"),
  })
  if (status !== 0)
    fail(`Cannot install the packages: the installer's messages above say why (it ended with ${status}).`)
}

function fail(message) {
  console.error(message)
  process.exit(1)
}
