// How much one caller may have of what there is: places at work and streams.
import { describe, expect, test } from "bun:test"
import { SLOW, site } from "./world.ts"

const ASYNC = { prefer: "respond-async" }

describe("places", () => {
  test("are all for one caller, or as many as one may have", async () => {
    const runningOf = async (limits: object) => {
      const holderOf = async () => ({ name: "one", grants: ["app:look"] })
      const { ask, get } = await site([SLOW], { limits, holderOf })
      const gone = new AbortController()
      const headers = { "content-type": "application/json" }
      const all = Array.from({ length: 80 }, (_, n) =>
        ask("/graphs/slow/runs", {
          method: "POST",
          headers,
          body: JSON.stringify({ input: { n } }),
          signal: gone.signal,
        }),
      )
      let running = 0
      for (let i = 0; i < 1_000; i++) {
        await new Promise((r) => setTimeout(r, 2))
        const now = (await get("/health")).json
        running = now.running
        if (now.running + now.waiting === 80) break
      }
      gone.abort()
      await Promise.all(all)
      return running
    }
    expect(await runningOf({ runsMax: 80 })).toBe(80)
    expect(await runningOf({ runsMax: 80, tokenRunsMax: 5 })).toBe(5)
  })
})

describe("a stream", () => {
  test("is one of as many as there may be, or of as many as one caller may have", async () => {
    const openOf = async (limits: object) => {
      const { post, ask } = await site([SLOW], { limits })
      const { json } = await post("/graphs/slow/runs", { input: { n: 1 } }, ASYNC)
      const all = await Promise.all(Array.from({ length: 1_200 }, () => ask(json.events)))
      await Promise.all(all.map((response) => response.body!.cancel()))
      return all.filter(({ status }) => status === 200).length
    }
    expect(await openOf({ streamsMax: 1_100 })).toBe(1_100)
    expect(await openOf({ streamsMax: 1_100, tokenStreamsMax: 7 })).toBe(7)
  })
})
