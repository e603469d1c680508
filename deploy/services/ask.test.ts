/** The terminal service with streams for a terminal: answers, choices, order, withdrawal, and text that tries to escape. */
import { expect, test } from "bun:test"
import { PassThrough } from "node:stream"
import type { Question } from "../../graph/mod.ts"
import { terminalAsk } from "./ask.ts"

function terminal() {
  const input = new PassThrough()
  const output = new PassThrough()
  let shown = ""
  output.on("data", (chunk) => {
    shown += String(chunk)
  })
  let interrupts = 0
  const ask = terminalAsk({ input, output, interrupt: () => interrupts++ })
  const until = async (text: string) => {
    for (let i = 0; i < 200 && !shown.includes(text); i++) await Bun.sleep(5)
    expect(shown).toContain(text)
  }
  return { ask, input, until, shown: () => shown, interrupts: () => interrupts }
}
const question = (text: string, more: Partial<Question> = {}): Question => ({
  path: "n",
  text,
  signal: new AbortController().signal,
  ...more,
})

test("words are typed, choices chosen", async () => {
  const t = terminal()
  const name = t.ask(question("Your name?"))
  await t.until("Your name?")
  t.input.write("Ada\r")
  expect(await name).toBe("Ada")
  const choice = t.ask(question("Ship it?", { choices: ["yes", "no"] }))
  await t.until("Ship it?")
  t.input.write("\u001b[B\r")
  expect(await choice).toBe("no")
})

test("one question at a time, in the order they came", async () => {
  const t = terminal()
  const first = t.ask(question("First?"))
  const second = t.ask(question("Second?"))
  await t.until("First?")
  expect(t.shown()).not.toContain("Second?")
  t.input.write("1\r")
  await t.until("Second?")
  t.input.write("2\r")
  expect([await first, await second]).toEqual(["1", "2"])
})

test("a withdrawn question ends, shown or not; Ctrl-C ends the run", async () => {
  const t = terminal()
  const stop = new AbortController()
  const shown = t.ask(question("Shown?", { signal: stop.signal }))
  const waiting = t.ask(question("Waiting?", { signal: stop.signal }))
  await t.until("Shown?")
  stop.abort()
  await expect(shown).rejects.toMatchObject({ code: "Cancelled" })
  await expect(waiting).rejects.toMatchObject({ code: "Cancelled" })
  expect(t.shown()).not.toContain("Waiting?")
  expect(t.interrupts()).toBe(0)
  const last = t.ask(question("Last?"))
  await t.until("Last?")
  t.input.write("\u0003")
  await expect(last).rejects.toMatchObject({ code: "NoAnswer" })
  expect(t.interrupts()).toBe(1)
})

test("nothing in a question reaches the terminal as a command", async () => {
  const t = terminal()
  const answer = t.ask(question("Pay\u001b[2Jme \u202eyad\u0007?", { choices: ["a\u001b]0;x\u0007", "b"] }))
  await t.until("Pay")
  t.input.write("\r")
  expect(await answer).toBe("a\u001b]0;x\u0007")
  expect(t.shown()).toContain("Pay\ufffd[2Jme \ufffdyad\ufffd?")
  expect(t.shown()).not.toContain("\u001b[2J")
  expect(t.shown()).not.toContain("\u001b]0;x")
})
