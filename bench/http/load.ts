/**
 * The load of `bench:http`, as a process of its own: so many connections that each send the next request when the last one is
 * answered, for so long. Prints how many requests were answered, how many a second, and percentiles of the time that one took, as JSON.
 */
import { connect } from "node:net"

interface Load {
  readonly port: number
  readonly path: string
  readonly body: string
  readonly connections: number
  readonly seconds: number
  /** What an answer must hold. */
  readonly holds: string
}

const load = JSON.parse(process.argv[2]!) as Load
const { port, path, body, connections, seconds, holds } = load
const request = Buffer.from(
  `POST ${path} HTTP/1.1\r\nhost: 127.0.0.1:${port}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
)
const times: number[] = []
const wrong: string[] = []
const began = performance.now()
const end = began + seconds * 1_000

/** One connection: resolves when the time is over. Answers have a length or come in chunks. */
const talk = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, "127.0.0.1")
    socket.setNoDelay(true)
    let text = ""
    let began = 0
    const send = () => {
      began = performance.now()
      socket.write(request)
    }
    socket.on("connect", send)
    socket.on("error", reject)
    socket.on("data", (data) => {
      text += data.toString("latin1")
      const head = text.indexOf("\r\n\r\n")
      if (head < 0) return
      const length = /content-length: *(\d+)/i.exec(text)
      if (length === null ? !text.endsWith("0\r\n\r\n") : text.length < head + 4 + Number(length[1])) return
      const now = performance.now()
      times.push(now - began)
      if (!text.includes(holds) && wrong.length < 3) wrong.push(text.slice(0, 400))
      text = ""
      if (now < end) return send()
      socket.destroy()
      resolve()
    })
  })

await Promise.all(Array.from({ length: connections }, talk))
// Answers to what was asked before the end are waited for, and so is their time.
const took = (performance.now() - began) / 1_000
times.sort((a, b) => a - b)
const at = (share: number): number => times[Math.min(times.length - 1, Math.floor(share * times.length))]!
console.log(JSON.stringify({ answered: times.length, rps: times.length / took, p50: at(0.5), p99: at(0.99), wrong }))
