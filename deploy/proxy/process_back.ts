/** An MCP server as a child process: its standard streams as they are, its error stream that of the proxy. */
import { type ChildProcess, spawn } from "node:child_process"
import process from "node:process"
import { endGroup, hasProcessGroups, listGroup, signalGroup, watchExit } from "../services/process_group.ts"
import type { Back, BackEvents, Ending } from "./back.ts"
import { proxyError } from "./errors.ts"
import { Lines } from "./lines.ts"

export interface ServerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
  /** The client's own: a server behind a proxy sees what it would see without one. */
  readonly env: { readonly [name: string]: string | undefined }
}

/** Milliseconds that a server gets to leave when its input has ended, and again after SIGTERM. */
const LEAVE_MS = 5_000
const TERM_MS = 2_000
/** Answers that are still in the pipe are read so long after the process has ended. */
const REST_MS = 1_000

/** Starts the server. Fails with `ProxyError` (`unreachable`) where it does not start. */
export async function startProcess(
  { command, args, cwd, env }: ServerCommand,
  frameBytesMax: number,
  { onPiece }: BackEvents,
): Promise<Back> {
  watchExit()
  const grouped = hasProcessGroups()
  const label = `\`${[command, ...args].join(" ")}\``
  const child = spawn(command, [...args], {
    cwd,
    env: env as NodeJS.ProcessEnv,
    detached: grouped,
    stdio: ["pipe", "pipe", "inherit"],
    // On Windows npx is a script, which only a shell can start.
    shell: !grouped,
  })
  const ended = endingOf(child, grouped)
  await started(child, label)
  if (grouped) listGroup(child)
  const stdin = child.stdin!
  const stdout = child.stdout!
  // A pipe that breaks is told by the end of the process; without a listener it would be thrown.
  stdin.on("error", () => undefined)
  stdout.on("error", () => undefined)
  const lines = new Lines(frameBytesMax)
  stdout.on("data", (chunk: Buffer) => {
    for (const piece of lines.push(chunk)) onPiece(piece)
  })
  stdout.on("end", () => {
    for (const piece of lines.end()) onPiece(piece)
  })
  return {
    label,
    send: (bytes) => {
      if (!stdin.writable) return
      if (stdin.write(bytes)) return
      return new Promise<void>((go) => {
        const done = () => {
          stdin.off("drain", done)
          stdin.off("close", done)
          go()
        }
        stdin.on("drain", done)
        stdin.on("close", done)
      })
    },
    pause: () => void stdout.pause(),
    resume: () => void stdout.resume(),
    end: () => void stdin.end(),
    ended,
    close: () => leave(child, ended, grouped),
  }
}

function started(child: ChildProcess, label: string): Promise<void> {
  return new Promise((resolve, reject) => {
    child.once("spawn", resolve)
    child.once("error", (cause) =>
      reject(proxyError("unreachable", `Cannot start the server ${label}: ${wordsOf(cause)}`, cause)),
    )
  })
}

const wordsOf = (cause: NodeJS.ErrnoException): string =>
  cause.code === "ENOENT" ? "there is no such program" : cause.message

function endingOf(child: ChildProcess, grouped: boolean): Promise<Ending> {
  return new Promise((resolve) => {
    child.once("exit", (code, signal) => {
      const ending = { words: signal === null ? `code ${code ?? 0}` : `signal ${signal}`, code: code ?? 128 }
      const end = () => {
        if (grouped) endGroup(child)
        resolve(ending)
      }
      child.once("close", end)
      setTimeout(end, REST_MS).unref()
    })
    child.once("error", (cause) => resolve({ words: cause.message, code: 1 }))
  })
}

/** Ends the input, then asks, then insists. */
async function leave(child: ChildProcess, ended: Promise<Ending>, grouped: boolean): Promise<void> {
  child.stdin?.end()
  if (await within(ended, LEAVE_MS)) return
  kill(child, grouped, "SIGTERM")
  if (await within(ended, TERM_MS)) return
  kill(child, grouped, "SIGKILL")
  await within(ended, TERM_MS)
}

const kill = (child: ChildProcess, grouped: boolean, signal: "SIGTERM" | "SIGKILL"): void => {
  if (grouped && child.pid !== undefined) signalGroup(child.pid, signal)
  else if (child.exitCode === null) process.kill(child.pid!, signal)
}

function within(ended: Promise<unknown>, ms: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = setTimeout(() => resolve(false), ms)
  void ended.then(() => {
    clearTimeout(timer)
    resolve(true)
  })
  return promise
}
