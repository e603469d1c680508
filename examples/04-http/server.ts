// A small server of exchange rates on loopback, with the fixed rates of one day. Ctrl-C stops it.
import { createServer } from "node:http"

const PORT = 4704
const EUR = { USD: 1.0842, GBP: 0.8391, CHF: 0.9377, JPY: 162.35, NOK: 11.604 }

const server = createServer((request, response) => {
  const url = new URL(request.url ?? "/", `http://localhost:${PORT}`)
  const answer = (status: number, body: unknown) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
  if (url.pathname === "/latest") answer(200, { base: "EUR", date: "2026-09-28", rates: EUR })
  else if (url.pathname.startsWith("/countries/")) answer(404, { error: `no country ${url.pathname.split("/")[2]}` })
  else answer(404, { error: "no such path" })
})
server.listen(PORT, "127.0.0.1", () => console.log(`rates on http://localhost:${PORT}`))
