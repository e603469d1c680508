/**
 * What was sent on the streams of a session, for a client whose connection broke: it comes again with the last number that
 * it has seen, and hears the rest. Only so much is kept; what is older is lost to it.
 * Source: Model Context Protocol 2025-11-25, "Resumability and Redelivery".
 */
import type { EventStore, JSONRPCMessage } from "@modelcontextprotocol/server"

const EVENTS_MAX = 1_000
const CHARS_MAX = 8 << 20

interface Kept {
  readonly id: number
  readonly stream: string
  readonly message: JSONRPCMessage
  readonly chars: number
}

export class SessionEvents implements EventStore {
  #kept: Kept[] = []
  #chars = 0
  #next = 0

  async storeEvent(stream: string, message: JSONRPCMessage): Promise<string> {
    const chars = JSON.stringify(message).length
    const id = this.#next++
    this.#kept.push({ id, stream, message, chars })
    this.#chars += chars
    while (this.#kept.length > EVENTS_MAX || (this.#chars > CHARS_MAX && this.#kept.length > 1))
      this.#chars -= this.#kept.shift()!.chars
    return String(id)
  }

  async getStreamIdForEventId(id: string): Promise<string | undefined> {
    return this.#at(id)?.stream
  }

  async replayEventsAfter(
    id: string,
    { send }: { readonly send: (id: string, message: JSONRPCMessage) => Promise<void> },
  ): Promise<string> {
    const last = this.#at(id)
    if (last === undefined) return ""
    for (const { id: at, stream, message } of [...this.#kept])
      if (at > last.id && stream === last.stream) await send(String(at), message)
    return last.stream
  }

  #at(id: string): Kept | undefined {
    return this.#kept.find((e) => String(e.id) === id)
  }
}
