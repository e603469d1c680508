// What came in one turn is done step by step, all of it and in the order in which it came; what goes wrong with one is its own.
import { expect, test } from "bun:test"
import { SUM, site } from "../../tests/http/world.ts"
import { AT_ONCE, Turns, type Work, type Worker } from "./turns.ts"

/** Writes down its steps; of different length, so that they do not end together. */
const logged = (log: string[], name: string, steps: number): Work => {
  let done = 0
  return {
    step: () => {
      log.push(`${name}${++done}`)
      return done < steps
    },
  }
}
const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

test("a step is done for all that came in a turn before the next step is done for any", async () => {
  const log: string[] = []
  const turns = new Turns()
  turns.add(logged(log, "a", 3))
  turns.add(logged(log, "b", 1))
  turns.add(logged(log, "c", 2))
  expect(log).toEqual([])
  await turn()
  expect(log).toEqual(["a1", "b1", "c1", "a2", "c2", "a3"])
  turns.add(logged(log, "d", 2))
  await turn()
  expect(log.slice(6)).toEqual(["d1", "d2"])
})

test("what comes while others are done is done in the turn after", async () => {
  const log: string[] = []
  const turns = new Turns()
  turns.add({
    step: () => {
      log.push("first")
      turns.add(logged(log, "second", 1))
      return false
    },
  })
  await turn()
  expect(log).toEqual(["first"])
  await turn()
  expect(log).toEqual(["first", "second1"])
})

test("of very many so many are done together as the cache holds, and none is left out", async () => {
  const log: string[] = []
  const turns = new Turns()
  for (let i = 0; i < 100; i++) turns.add(logged(log, `${i}.`, 2))
  await turn()
  expect(log.length).toBe(200)
  expect(new Set(log).size).toBe(200)
  expect(log.indexOf("0.2")).toBeLessThan(log.indexOf("99.1"))
})

test("a host whose requests share nothing does each at once", () => {
  const log: string[] = []
  const worker: Worker = AT_ONCE
  worker.add(logged(log, "a", 2))
  worker.add(logged(log, "b", 1))
  expect(log).toEqual(["a1", "a2", "b1"])
})

test("runs that came together answer as each would alone, also where some are wrong", async () => {
  for (const shared of [true, false]) {
    const { get, post } = await site([SUM], { shared })
    const inputs = Array.from({ length: 70 }, (_, i) => (i % 7 === 3 ? { a: "no" } : { a: i }))
    const answers = await Promise.all(
      inputs.map((input) => {
        const body = JSON.stringify({ input })
        return post("/graphs/sum/runs", body, { "content-length": `${body.length}` })
      }),
    )
    answers.forEach(({ status, json }, i) => {
      if (i % 7 === 3) expect([status, json.type]).toEqual([422, "/problems/wrong-input"])
      else expect([status, json.output]).toEqual([200, { sum: i + 1 }])
    })
    const runs = answers.filter(({ status }) => status === 200).map(({ json }) => json.run)
    expect(new Set(runs).size).toBe(60)
    // The proof of each is of its own run.
    for (const { json } of answers.filter(({ status }) => status === 200)) {
      const { json: found } = await get(`/runs/${json.run}`)
      expect([found.trace, found.ledger]).toEqual([json.trace, json.ledger])
    }
  }
})
