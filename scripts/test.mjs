// `npm test`: the one gate, the same at a desk and in CI. Installs what is missing, then runs every check, streams
// what fails, and ends with the line `N passed, N failed`. Name steps to run only those: `npm test -- types lint`.
import { spawn } from "node:child_process"
import { join } from "node:path"
import { createInterface } from "node:readline"
import { stripVTControlCharacters } from "node:util"
import { environmentWith, findDeno, root } from "../bin/runtimes.mjs"
import { ready } from "./install.mjs"

/** A step that hangs is ended, so that CI reports it rather than running into its own limit. */
const STEP_MS_MAX = 40 * 60_000
/** A test that names no limit of its own gets a minute: a machine that does other things beside it is no reason to fail. */
const TEST_MS_MAX = 60_000
/** Rooms whose tests must pass on Deno as they do on Bun: they name no platform. */
const HOST_NEUTRAL_ROOMS = ["graph", "plan", "compile", "bus", "shadow", "learn/train.test.ts"]

const bun = ready()

const script = (path, ...args) => ({ command: process.execPath, args: [join("node_modules", path), ...args] })

/** Bun ends with lines such as ` 12 pass`, ` 1 fail`, ` 1 error` (an error outside any test). */
function countBun(output) {
  const sum = (word) =>
    [...output.matchAll(new RegExp(`^ *(\\d+) ${word}s?$`, "gm"))].reduce((total, [, n]) => total + Number(n), 0)
  return { passed: sum("pass"), failed: sum("fail") + sum("error") }
}

/** Deno ends with `ok | 12 passed (3 steps) | 0 failed | 1 ignored (2s)`. */
function countDeno(output) {
  const found = [...output.matchAll(/\| (\d+) passed\b.*?\| (\d+) failed/g)].at(-1)
  return { passed: Number(found?.[1] ?? 0), failed: Number(found?.[2] ?? 0) }
}

function steps() {
  return [
    { name: "types", says: "TypeScript", ...script("typescript/bin/tsc", "--noEmit", "-p", ".") },
    {
      name: "lint",
      says: "Biome: lint and format",
      ...script("@biomejs/biome/bin/biome", "check", "--error-on-warnings"),
    },
    { name: "unused", says: "knip: files, exports and packages nobody uses", ...script("knip/bin/knip.js") },
    {
      name: "bun",
      says: "every test, on Bun",
      command: bun,
      args: ["test", "--only-failures", `--timeout=${TEST_MS_MAX}`],
      count: countBun,
    },
    {
      name: "deno",
      says: `the tests of ${HOST_NEUTRAL_ROOMS.join(", ")}, on Deno`,
      command: findDeno(),
      args: ["test", "-A", "--no-check", "--quiet", ...HOST_NEUTRAL_ROOMS],
      count: countDeno,
      hides: /^running \d+ tests? from | \.\.\. ok \(/,
    },
  ]
}

/** Runs one step, its output streamed line by line but for those that it hides; the counts of a step without tests are one pass or one failure. */
function runStep({ command, args, count, hides }) {
  return new Promise((done) => {
    const env = { ...environmentWith(bun), ...(!process.stdout.isTTY && { NO_COLOR: "1" }) }
    const child = spawn(command, args, { cwd: root, env, stdio: ["ignore", "pipe", "pipe"] })
    let output = ""
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      createInterface({ input: from }).on("line", (line) => {
        const plain = stripVTControlCharacters(line)
        output += `${plain}\n`
        if (!hides?.test(plain)) to.write(`${line}\n`)
      })
    }
    const limit = setTimeout(() => {
      console.log(`Stopped: still running after ${STEP_MS_MAX / 60_000} minutes`)
      child.kill("SIGKILL")
    }, STEP_MS_MAX)
    child.on("error", (error) => {
      clearTimeout(limit)
      console.log(`Cannot start ${command}: ${error.message}`)
      done({ passed: 0, failed: 1 })
    })
    child.on("close", (code) => {
      clearTimeout(limit)
      const { passed, failed } = count?.(output) ?? { passed: 0, failed: 0 }
      if (code !== 0) done({ passed, failed: Math.max(failed, 1) })
      else done({ passed: count ? passed : 1, failed })
    })
  })
}

const all = steps()
const wanted = process.argv.slice(2)
const unknown = wanted.filter((name) => !all.some((step) => step.name === name))
if (unknown.length > 0) {
  console.error(`Cannot run step ${unknown.join(", ")}: it must be one of ${all.map((step) => step.name).join(", ")}.`)
  process.exit(2)
}

const total = { passed: 0, failed: 0 }
for (const step of all.filter(({ name }) => wanted.length === 0 || wanted.includes(name))) {
  console.log(`── ${step.name}: ${step.says}`)
  const from = performance.now()
  const { passed, failed } = step.command ? await runStep(step) : missing(step)
  total.passed += passed
  total.failed += failed
  const seconds = ((performance.now() - from) / 1000).toFixed(1)
  console.log(`   ${failed === 0 ? "ok" : "FAILED"}: ${passed} passed, ${failed} failed in ${seconds} s\n`)
}
console.log(`${total.passed} passed, ${total.failed} failed`)
process.exitCode = total.failed === 0 ? 0 : 1

function missing({ name }) {
  console.log(`Cannot find ${name}: npm brought no binary for ${process.platform}-${process.arch}.`)
  return { passed: 0, failed: 1 }
}
