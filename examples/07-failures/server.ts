// A server on loopback that has bad days, always the same ones: each path fails in its own way. Ctrl-C stops it.
import { createServer } from "node:http"

const PORT = 4707
let asked = 0

const server = createServer((request, response) => {
  const answer = (status: number, body: unknown) =>
    response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
  switch (request.url) {
    case "/carriers/north": // busy twice, then fine
      asked++
      return asked % 3 === 0 ? answer(200, { price: 41.5, days: 2 }) : answer(503, { error: "busy" })
    case "/carriers/south": // closed for good
      return answer(410, { error: "this carrier has gone out of business" })
    case "/carriers/west": // answers garbage
      return answer(200, { price: "ask us" })
    case "/carriers/east": // never answers; the timeout ends it
      return
    default:
      return answer(200, { price: 58, days: 4 })
  }
})
server.listen(PORT, "127.0.0.1", () => console.log(`carriers on http://localhost:${PORT}`))
