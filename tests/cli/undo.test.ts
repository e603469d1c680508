// Taking back on the command line: a real process, a real server that keeps books, a ledger in a file.
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from "bun:test"
import * as http from "node:http"
import { listening } from "../contract/servers.ts"
import { folderWith, shadowgraph } from "./command.ts"

setDefaultTimeout(60_000)

/** A desk that books what it is asked for, but no room called `none`, and takes back while it is open. */
const books = new Set<string>()
const asked: string[] = []
let open = true
const desk = http.createServer((q, r) => {
  asked.push(`${q.method} ${q.url}`)
  const what = q.url!.slice(1)
  const say = (status: number, body: unknown) =>
    r.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
  if (q.method === "DELETE" && !open) return say(503, null)
  if (q.method === "DELETE") return say(200, books.delete(what))
  if (what === "none") return say(409, null)
  books.add(what)
  return say(200, { id: what })
})
let folder = ""
beforeAll(async () => {
  const place = `http://127.0.0.1:${await listening(desk)}`
  const node = (what: string) =>
    `{ http: "POST ${place}/${what}", output: { id: string }, undo: { http: "DELETE ${place}/\${ out.id }", output: boolean }`
  folder = folderWith({
    "trip.graph.yaml": `graph: trip
on_failure: undo
input: { room: string }
nodes:
  flight: ${node("flight")} }
  room: ${node("${ input.room }")}, after: flight }
output: { flight: flight.id, room: room.id }
`,
  })
})
afterAll(() => desk.close())
const sg = async (...words: string[]) => {
  asked.length = 0
  return await shadowgraph(folder, ...words, "--yes")
}
const runOf = (json: string): string => (JSON.parse(json) as { run: string }).run

test("a run that fails takes back what it did, and says so", async () => {
  const { exit, err } = await sg("run", "trip", "room=none")
  expect(exit).toBe(1)
  expect(err).toContain("HttpStatus at room")
  expect(err).toContain("undone  flight\n")
  expect(asked).toEqual(["POST /flight", "POST /none", "DELETE /flight"])
  const told = JSON.parse((await sg("run", "trip", "room=none", "--json")).out)
  expect(told).toMatchObject({ ok: false, undone: { undone: ["flight"], left: [], untouched: [] } })
  expect(books.size).toBe(0)
})

test("a run that is over is undone when somebody asks, stops where it cannot, and goes on from there", async () => {
  const run = runOf((await sg("run", "trip", "room=sea", "--json")).out)
  expect([...books]).toEqual(["flight", "sea"])
  open = false
  const stuck = await sg("runs", "undo", run)
  expect(stuck.exit).toBe(1)
  expect(stuck.err).toContain("undone  nothing")
  expect(stuck.err).toContain("stuck   room: HttpStatus")
  expect(stuck.err).toContain("--leave room")
  expect(stuck.err).toContain("not undone either: flight")
  open = true
  const back = await sg("runs", "undo", run)
  expect({ exit: back.exit, err: back.err }).toEqual({ exit: 0, err: "undone  room, flight\n" })
  expect(asked).toEqual(["DELETE /sea", "DELETE /flight"])
  expect(books.size).toBe(0)
  const twice = await sg("runs", "undo", run)
  expect(twice.exit).toBe(1)
  expect(twice.err).toContain("everything that it did and that has an undo was undone")
  expect(twice.err).not.toContain("--ledger memory")
  expect((await shadowgraph(folder, "runs", run)).out).toMatch(
    /undo {5}by person\n[\s\S]*intent {3}flight\.undo[\s\S]*chain of \d+ entries is whole/,
  )
  expect((await shadowgraph(folder, "replay", run)).exit).toBe(0)
  expect((await shadowgraph(folder, "ledger", "verify")).exit).toBe(0)
})

test("a write can be left, and a run that rests is cancelled first", async () => {
  const run = runOf((await sg("run", "trip", "room=hill", "--json")).out)
  const left = await sg("runs", "undo", run, "--leave", "room", "--json")
  expect(JSON.parse(left.out)).toMatchObject({ ok: true, undone: { undone: ["flight"], left: ["room"] } })
  expect([...books]).toEqual(["hill"])
  expect((await sg("runs", "undo", run, "--leave", "Room!")).exit).toBe(2)
  expect((await sg("runs", "cancel", run, "--undo")).err).toContain("has ended")
})
