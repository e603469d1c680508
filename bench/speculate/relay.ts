/**
 * `bun relay.ts <port>:<target> …`: relays in front of servers, in a process of their own. Bytes go through unchanged, in order;
 * what a client sends after the server's last answer is one request, and is held for the network's delay. Lines on standard
 * input say which run comes next and over which network; each is answered with how many requests there were since.
 */
import { connect, createServer, type Socket } from "node:net"
import { createInterface } from "node:readline"
import { delayMs, type Network } from "./delays.ts"

export interface NextRun {
  readonly network: Network
  readonly run: number
}

let now: NextRun = { network: "none", run: 0 }
const routes = process.argv.slice(2).map((route) => route.split(":").map(Number) as [number, number])
let requests = routes.map(() => 0)

function relay(tool: number, client: Socket, target: number): void {
  const server = connect(target, "127.0.0.1")
  for (const socket of [client, server]) socket.setNoDelay(true)
  let due = 0
  let asking = false
  const held: Buffer[] = []
  const forward = () => {
    const bytes = held.shift()
    if (bytes !== undefined && !server.destroyed) server.write(bytes)
  }
  client.on("data", (bytes: Buffer) => {
    if (!asking) {
      asking = true
      due = performance.now() + delayMs(now.network, tool, now.run, requests[tool]!++)
    }
    held.push(bytes)
    const wait = due - performance.now()
    if (wait > 0 || held.length > 1) setTimeout(forward, Math.max(0, wait))
    else forward()
  })
  server.on("data", (bytes: Buffer) => {
    asking = false
    client.write(bytes)
  })
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.on("close", () => other.destroy())
    one.on("error", () => other.destroy())
  }
}

const ports = await Promise.all(
  routes.map(
    ([port, target], tool) =>
      new Promise<number>((done, fail) => {
        const listening = createServer((client) => relay(tool, client, target))
        listening.on("error", fail)
        listening.listen(port, "127.0.0.1", () => done((listening.address() as { readonly port: number }).port))
      }),
  ),
)
console.log(JSON.stringify(ports))
for await (const line of createInterface({ input: process.stdin })) {
  now = JSON.parse(line) as NextRun
  console.log(JSON.stringify(requests))
  requests = routes.map(() => 0)
}
process.exit(0)
