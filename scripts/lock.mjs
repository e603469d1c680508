// Completes package-lock.json: every optional dependency of a locked package gets an entry. npm leaves out a
// platform's package when the registry it talked to did not carry it, and `npm ci` then refuses the lock on every
// machine. Run it after changing dependencies: `node scripts/lock.mjs`; tests/tidy.test.ts refuses an incomplete lock.
import { readFileSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import { fileURLToPath } from "node:url"

const OS = ["aix", "android", "darwin", "freebsd", "linux", "netbsd", "openbsd", "openharmony", "sunos", "win32"]
const CPU = ["arm64", "arm", "x64", "ia32", "ppc64", "riscv64", "s390x", "loong64", "mips64el", "wasm32"]
const ALIAS = { windows: "win32", aarch64: "arm64" }

/** The locks of this repository: its own, and those of the engines and servers it is measured against. */
export const LOCKS = ["package-lock.json", "bench/peers/package-lock.json", "bench/peers/servers/package-lock.json"]

/** The os, cpu and C library that a platform package serves, read from its name (`@deno/linux-arm64-glibc`). */
function platform(name) {
  const words = name
    .split("/")
    .at(-1)
    .split("-")
    .map((word) => ALIAS[word] ?? word)
  const os = words.filter((word) => OS.includes(word)).at(-1)
  const cpu = words.find((word) => CPU.includes(word))
  const libc = words.includes("musl")
    ? "musl"
    : words.some((word) => word === "gnu" || word === "glibc")
      ? "glibc"
      : undefined
  return { cpu: cpu && [cpu], libc: libc && [libc], os: os && [os] }
}

/** The entries that `lock` lacks: path in node_modules → entry. Exact versions only; a range cannot be guessed. */
export function missingEntries(lock) {
  const missing = {}
  for (const [at, entry] of Object.entries(lock.packages)) {
    for (const [name, version] of Object.entries(entry.optionalDependencies ?? {})) {
      const nested = `${at}/node_modules/${name}`
      const top = `node_modules/${name}`
      if (nested in lock.packages || lock.packages[top]?.version === version) continue
      if (!/^\d+\.\d+\.\d+[\w.+-]*$/.test(version)) continue
      const { cpu, libc, os } = platform(name)
      const { dev, license } = entry
      missing[top in lock.packages ? nested : top] = { version, cpu, dev, libc, license, optional: true, os }
    }
  }
  return missing
}

function main() {
  const root = join(dirname(fileURLToPath(import.meta.url)), "..")
  for (const name of LOCKS) {
    const path = join(root, name)
    const lock = JSON.parse(readFileSync(path, "utf8"))
    const missing = missingEntries(lock)
    const packages = Object.entries({ ...lock.packages, ...missing }).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))
    writeFileSync(path, `${JSON.stringify({ ...lock, packages: Object.fromEntries(packages) }, null, 2)}\n`)
    console.log(`${name}: ${Object.keys(missing).length} entries added`)
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main()
