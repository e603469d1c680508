/**
 * A long campaign against the HTTP interface: `npm run fuzz:http [requests] [seed]`. Prints every request that was not answered as
 * it should be, and the figures; fails when there are any.
 */
import { campaign, figures } from "../campaign.ts"
import { fuzz, type Tally } from "./fuzz.ts"

const SHOWN_MAX = 50

await campaign<Tally>(import.meta.filename, {
  cases: "requests",
  count: 100_000,
  seed: "1",
  part: 5_000,
  nothing: () => ({ requests: 0, by: {}, faults: [] }),
  does: (seed, from, count) => fuzz((Number(seed) * 1_000_003 + from) % 0xffff_ffff, count),
  says: ({ requests, faults }) => `${requests} requests, ${faults.length} not answered as they should be`,
  ends: ({ requests, by, faults }, _, whole) => {
    const statuses = Object.entries(by).sort(([, a], [, b]) => b - a)
    const says = `answers: ${statuses.map(([status, n]) => `${status} ${n}`).join(", ")}`
    for (const line of faults.slice(0, SHOWN_MAX)) console.error(line)
    const told = { title: "Odd requests", command: "npm run fuzz:http", says, whole }
    figures({ "http.fuzz_requests": requests, "http.fuzz_faults": faults.length }, told)
    return faults.length === 0
  },
})
