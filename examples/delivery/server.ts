/**
 * The world that the example speaks to: a real HTTP server on loopback that knows roads, exchange rates and contracts.
 * It takes 20 to 60 ms for an answer, as a service in the same region does; how long depends on the request alone, so
 * that two ways to run a graph meet the same server. Start it by itself with `npx bun server.ts`.
 */
import { readFileSync } from "node:fs"
import { createServer, type Server } from "node:http"

export const PORT = 4780
const LATENCY_MS = { least: 20, most: 60 }

/** Euro reference rates of one day, kept. */
const RATES = { CHF: 0.9377, CZK: 24.41, DKK: 7.4606, EUR: 1, HUF: 391.2, PLN: 4.2615, SEK: 10.986 }
/** Percent off above so many euros a month. */
const CONTRACTS = [
  { above: 10_000, percent: 8 },
  { above: 4_000, percent: 5 },
]

interface Town {
  readonly lat: number
  readonly lon: number
}
const towns = new Map<string, Town>(
  readFileSync(new URL("data/towns.csv", import.meta.url), "utf8")
    .trim()
    .split("\n")
    .slice(1)
    .map((row) => row.split(","))
    .map(([name, , lat, lon]) => [name!, { lat: Number(lat), lon: Number(lon) }]),
)

/** As the crow flies, on a sphere of 3,959 miles, and 28 % more for the road. */
function miles(from: Town, to: Town): number {
  const rad = (degrees: number) => (degrees * Math.PI) / 180
  const h =
    Math.sin(rad(to.lat - from.lat) / 2) ** 2 +
    Math.cos(rad(from.lat)) * Math.cos(rad(to.lat)) * Math.sin(rad(to.lon - from.lon) / 2) ** 2
  return Math.round(2 * 3959 * Math.asin(Math.sqrt(h)) * 1.28 * 10) / 10
}

type Answer = readonly [status: number, body: unknown]

function answer(url: URL): Answer {
  const query = (name: string) => url.searchParams.get(name) ?? ""
  switch (url.pathname) {
    case "/rates":
      return query("base") === "EUR"
        ? [200, { base: "EUR", date: "2026-10-02", rates: RATES }]
        : [400, { error: "the base must be EUR" }]
    case "/road": {
      const from = towns.get(query("from"))
      const to = towns.get(query("to"))
      return from && to ? [200, { miles: miles(from, to) }] : [404, { error: "no such town" }]
    }
    case "/contract": {
      const amount = Number(query("amount"))
      return [200, { percent: CONTRACTS.find((c) => amount > c.above)?.percent ?? 0 }]
    }
    default:
      return [404, { error: "no such path" }]
  }
}

/** The same for the same request, spread evenly between the bounds (FNV-1a). */
function latencyOf(request: string): number {
  let hash = 0x811c9dc5
  for (const c of request) hash = Math.imul(hash ^ c.codePointAt(0)!, 0x01000193) >>> 0
  return LATENCY_MS.least + (hash / 2 ** 32) * (LATENCY_MS.most - LATENCY_MS.least)
}

/** Resolves when it listens. Fails where the port is taken. */
export function startServer(): Promise<Server> {
  const server = createServer((request, response) => {
    const path = request.url ?? "/"
    const [status, body] = answer(new URL(path, `http://localhost:${PORT}`))
    setTimeout(
      () => response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body)),
      latencyOf(path),
    )
  })
  return new Promise((done, failed) => {
    server.once("error", failed)
    server.listen(PORT, "127.0.0.1", () => done(server))
  })
}

if (import.meta.main) {
  await startServer().catch((cause: NodeJS.ErrnoException) => {
    console.error(cause.code === "EADDRINUSE" ? `Cannot listen: port ${PORT} is in use.` : cause.message)
    process.exit(1)
  })
  console.log(`roads, rates and contracts on http://localhost:${PORT}`)
}
