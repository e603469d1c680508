// What is there in time is not told that it is late; what is not is told once, in the order in which it began.
import { afterEach, expect, test } from "bun:test"
import { Awaited, Patience } from "./patience.ts"

const sleep = (ms: number) => new Promise((wake) => setTimeout(wake, ms))
class Telling extends Awaited {
  readonly late: () => void
  constructor(late: () => void) {
    super()
    this.late = late
  }
}
/** Begins to wait for something that calls this when it is late. */
function begun(waits: Patience, late: () => void): Awaited {
  const one = new Telling(late)
  waits.begin(one)
  return one
}
const open: Patience[] = []
const patience = (ms: number): Patience => {
  const made = new Patience(ms)
  open.push(made)
  return made
}
afterEach(() => {
  for (const each of open.splice(0)) each.close()
})

test("who began first is late first, and once; who is there is not late", async () => {
  const waits = patience(20)
  const late: string[] = []
  begun(waits, () => late.push("a"))
  const there = begun(waits, () => late.push("there"))
  await sleep(5)
  begun(waits, () => late.push("b"))
  waits.over(there)
  expect(late).toEqual([])
  for (let i = 0; i < 200 && late.length < 2; i++) await sleep(5)
  expect(late).toEqual(["a", "b"])
  await sleep(40)
  expect(late).toEqual(["a", "b"])
})

test("when nobody has waited for a while, the next one is waited for as long", async () => {
  const waits = patience(10)
  waits.over(begun(waits, () => {}))
  await sleep(30)
  const began = performance.now()
  const after = await new Promise<number>((told) => begun(waits, () => told(performance.now() - began)))
  // A timer may come a little before its time by the finer clock.
  expect(after).toBeGreaterThanOrEqual(9)
})

test("what is closed tells nobody", async () => {
  const waits = patience(5)
  const late: string[] = []
  begun(waits, () => late.push("a"))
  waits.close()
  await sleep(25)
  expect(late).toEqual([])
})

test("who asks for more while the others are told is late after them, not with them", async () => {
  const waits = patience(5)
  const late: string[] = []
  begun(waits, () => {
    late.push("a")
    begun(waits, () => late.push("after"))
  })
  for (let i = 0; i < 200 && late.length < 2; i++) await sleep(5)
  expect(late).toEqual(["a", "after"])
})
