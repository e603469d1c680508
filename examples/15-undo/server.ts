// An airline and an inn on loopback, which book and take back, and say what is booked. The inn has two rooms. Ctrl-C stops them.
import { createServer } from "node:http"

const AIRLINE_PORT = 4717
const INN_PORT = 4718
const ROOMS = 2

interface Booking {
  readonly id: string
  readonly for: string
}

/** A desk with its own book. What it has no room for it answers 409. */
function desk(prefix: string, room: number) {
  const book = new Map<string, Booking>()
  let last = 0
  return createServer(async (request, response) => {
    const answer = (status: number, body: unknown) =>
      response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
    if (request.method === "GET") return answer(200, [...book.values()])
    if (request.method === "DELETE") {
      const id = request.url!.slice("/bookings/".length)
      return book.delete(id) ? answer(200, { gone: id }) : answer(404, { error: `no booking ${id}` })
    }
    let body = ""
    for await (const chunk of request) body += String(chunk)
    if (book.size >= room) return answer(409, { error: "nothing is free" })
    const booking = { id: `${prefix}${++last}`, for: (JSON.parse(body) as { for: string }).for }
    book.set(booking.id, booking)
    return answer(200, booking)
  })
}

desk("F", 100).listen(AIRLINE_PORT, "127.0.0.1", () => {
  desk("R", ROOMS).listen(INN_PORT, "127.0.0.1", () =>
    console.log(`an airline on http://localhost:${AIRLINE_PORT}, an inn on http://localhost:${INN_PORT}`),
  )
})
