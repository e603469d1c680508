/**
 * The end of a login on this machine: one address on loopback, to which the person's browser brings the authorization server's answer
 * back (RFC 8252, 7.3). What does not carry the state of this login is turned away, and the wait goes on: any page can send a
 * browser here.
 */
import { createServer, type Server } from "node:http"
import type { AddressInfo } from "node:net"
import { fail } from "../../graph/mod.ts"

export interface Answer {
  readonly code: string
  /** Who answered, where it says so (RFC 9207). */
  readonly iss: string | undefined
}

export interface Callback {
  /** Where the browser is to be sent. */
  readonly redirect: URL
  /** The answer for this state. Fails with `Denied`, `Timeout`, `Cancelled`. */
  readonly answer: (state: string, waitMs: number, signal: AbortSignal) => Promise<Answer>
  readonly close: () => void
}

const HOST = "127.0.0.1"
const PATH = "/callback"
/** What an authorization server may write as the name of an error. */
const CODE = /^[a-z_]{1,64}$/

/** Listens at `wanted`, else at any free port. Fails with `Unavailable` where that address is taken. */
export async function listenForAnswer(wanted?: URL): Promise<Callback> {
  const server = createServer()
  const port = wanted === undefined ? 0 : Number(wanted.port === "" ? 80 : wanted.port)
  await new Promise<void>((done, failed) => {
    server.once("error", (cause) =>
      failed(
        fail("Unavailable", `Cannot listen at ${HOST}:${port} for the answer: ${cause.message}`, {
          data: { service: "callback" },
          cause,
        }),
      ),
    )
    server.listen(port, HOST, () => done())
  })
  const redirect = new URL(wanted ?? `http://${HOST}:${(server.address() as AddressInfo).port}${PATH}`)
  return {
    redirect,
    answer: (state, waitMs, signal) => answerOn(server, redirect.pathname, state, waitMs, signal),
    close: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}

function answerOn(server: Server, path: string, state: string, waitMs: number, signal: AbortSignal): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const late = setTimeout(
      () => end(() => reject(fail("Timeout", `Cannot log in: no answer within ${Math.round(waitMs / 1000)} s`))),
      waitMs,
    )
    const stopped = () => end(() => reject(fail("Cancelled", "Cannot log in: interrupted")))
    const end = (settle: () => void) => {
      clearTimeout(late)
      signal.removeEventListener("abort", stopped)
      settle()
    }
    if (signal.aborted) return stopped()
    signal.addEventListener("abort", stopped, { once: true })
    server.on("request", (request, response) => {
      const say = (status: number, words: string) => {
        response.writeHead(status, {
          "content-type": "text/plain; charset=utf-8",
          "cache-control": "no-store",
          "referrer-policy": "no-referrer",
          "x-content-type-options": "nosniff",
          connection: "close",
        })
        response.end(`${words}\n`)
      }
      const { pathname, searchParams } = new URL(request.url ?? "/", `http://${HOST}`)
      if (pathname !== path || request.method !== "GET") return say(404, "There is nothing here.")
      if (searchParams.get("state") !== state)
        return say(400, "This answer is of another login than the one that is waited for. Begin again at the terminal.")
      const error = searchParams.get("error")
      if (error !== null) {
        say(200, "The login was refused. You can close this page.")
        const shown = CODE.test(error) ? error : "an error"
        return end(() =>
          reject(
            fail("Denied", `Cannot log in: the authorization server answered ${shown}`, { data: { error: shown } }),
          ),
        )
      }
      const code = searchParams.get("code")
      if (code === null || code === "") return say(400, "This answer has no code.")
      say(200, "The answer has arrived. You can close this page and go back to the terminal.")
      end(() => resolve({ code, iss: searchParams.get("iss") ?? undefined }))
    })
  })
}
