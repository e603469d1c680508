// An HTTP server that says how many days parcels of some value spend with customs: `GET /days?zone=…&cents=…`. Its steps lie
// where no rule puts them: whoever wants to know them has to learn them from its answers.
const STEPS: readonly (readonly [fromCents: number, days: number])[] = [
  [0, 1],
  [10_000, 3],
  [45_000, 6],
  [100_000, 10],
]
const FAR = { fromZone: 6, days: 3 }

const { port } = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch: (request) => {
    const query = new URL(request.url).searchParams
    const [zone, cents] = [Number(query.get("zone") ?? Number.NaN), Number(query.get("cents") ?? Number.NaN)]
    const step = STEPS.findLast(([from]) => cents >= from)
    if (step === undefined || !Number.isFinite(zone)) return new Response("want zone and cents", { status: 400 })
    return Response.json(step[1] + (zone >= FAR.fromZone ? FAR.days : 0))
  },
})
console.log(port)
