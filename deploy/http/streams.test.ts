// A stream goes on for as long as its source does, whatever the source has to say.
import { expect, test } from "bun:test"
import { systemClock } from "../services/clock.ts"
import { Streams } from "./streams.ts"

const LIMITS = { streamsMax: 8, tokenStreamsMax: 8, heartbeatMs: 60_000, stalledMsMax: 60_000 }

test("entries of a record that tell a client nothing end no stream", async () => {
  const streams = new Streams(LIMITS, systemClock)
  const next = async (place: number) => {
    await new Promise((turn) => setTimeout(turn, 1))
    const over = place === 6
    return { texts: over ? ["event: result\ndata: {}\n\n"] : [], missed: 0, next: place + 1, over }
  }
  const response = streams.response({ start: 0, next }, {})
  const text = await Promise.race([response.text(), new Promise((late) => setTimeout(() => late("nothing"), 2_000))])
  expect(text).toBe(": begun\n\nevent: result\ndata: {}\n\n")
  expect(streams.size).toBe(0)
})
