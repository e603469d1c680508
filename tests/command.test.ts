// The command as `npx shadowgraph` starts it, under Node: exit codes, signals and standard input pass through to the
// program that runs under Bun, and a signal is handled once, there.
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from "bun:test"
import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { root } from "./repository.ts"

setDefaultTimeout(60_000)

const folder = mkdtempSync(join(tmpdir(), "shadowgraph-command-"))
/** Never answers, and says when it was asked. */
let silent: Server

beforeAll(async () => {
  silent = createServer(() => undefined).listen(0, "127.0.0.1")
  await once(silent, "listening")
  const host = `127.0.0.1:${(silent.address() as AddressInfo).port}`
  writeFileSync(
    join(folder, "wait.graph.yaml"),
    `graph: wait\nnodes:\n  answer: { http: "GET http://${host}/", output: string }\noutput: answer\n`,
  )
  writeFileSync(
    join(folder, "sum.graph.yaml"),
    "graph: sum\ninput: { a: number, b: number }\nnodes:\n  c: { expr: input.a + input.b }\noutput: c\n",
  )
})

afterAll(() => {
  silent.closeAllConnections()
  silent.close()
  rmSync(folder, { recursive: true, force: true })
})

function start(...words: readonly string[]) {
  const child = spawn("node", [join(root, "bin", "shadowgraph.mjs"), ...words], {
    cwd: folder,
    env: { ...process.env, NO_COLOR: "1" },
    detached: true,
  })
  let out = ""
  let err = ""
  child.stdout.on("data", (chunk) => {
    out += chunk
  })
  child.stderr.on("data", (chunk) => {
    err += chunk
  })
  const done = once(child, "close").then(([exit]: (number | null)[]) => ({ exit, out, err }))
  return { child, done }
}

describe("started under Node", () => {
  test("the result, the exit code and standard input pass through", async () => {
    const { child, done } = start("run", "sum", "--input", "-")
    child.stdin.end('{ "a": 1, "b": 2 }')
    expect(await done).toEqual({ exit: 0, out: "3\n", err: "" })
    const wrong = start("run", "nothing-of-that-name")
    wrong.child.stdin.end()
    const { exit, out, err } = await wrong.done
    expect({ exit, out }).toEqual({ exit: 1, out: "" })
    expect(err).toContain("nothing-of-that-name")
  })

  test.each([
    ["SIGINT", 130],
    ["SIGTERM", 143],
  ] as const)("%s to the process stops the run with exit code %d", async (signal, wanted) => {
    const { child, done } = start("run", "wait", "--yes")
    await once(silent, "request")
    child.kill(signal)
    expect(await done).toEqual({ exit: wanted, out: "", err: "stopped  interrupted\n" })
  })

  test("a signal to the whole group is one signal: the run still ends in order", async () => {
    const { child, done } = start("run", "wait", "--yes")
    await once(silent, "request")
    process.kill(-(child.pid ?? 0), "SIGINT")
    expect(await done).toEqual({ exit: 130, out: "", err: "stopped  interrupted\n" })
  })
})
