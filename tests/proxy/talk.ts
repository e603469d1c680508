/**
 * A client that speaks MCP as text: it sends the very bytes it is told to, and hands back what came, byte for byte, so that
 * two ways to a server can be compared. Over standard streams and over streamable HTTP.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { Events } from "../../deploy/proxy/events.ts"

/** What came until a request was answered: the messages in between, and the answer last. */
export interface Talk {
  readonly ask: (text: string, id: unknown) => Promise<readonly string[]>
  /** Sends what nobody answers. */
  readonly tell: (text: string) => Promise<void>
  /** Answers what the server asks by itself, for so long, and hands back what it said. */
  readonly settle: (ms: number) => Promise<readonly string[]>
  readonly close: () => Promise<void>
}

/** What a client answers when the server asks it something, by method. */
const ANSWERS: { readonly [method: string]: object } = {
  "sampling/createMessage": {
    role: "assistant",
    content: { type: "text", text: "a word" },
    model: "m",
    stopReason: "endTurn",
  },
  "elicitation/create": { action: "accept", content: { name: "Ann", check: true } },
  "roots/list": { roots: [{ uri: "file:///tmp", name: "tmp" }] },
}
const ANSWER_MS_MAX = 30_000

interface Message {
  readonly id?: unknown
  readonly method?: string
}

/** What is said in return to a message of the server, where it asks something. */
function answerTo(text: string): string | undefined {
  const { id, method } = JSON.parse(text) as Message
  if (id === undefined || method === undefined) return undefined
  const result = ANSWERS[method]
  return JSON.stringify({ jsonrpc: "2.0", id, ...(result ? { result } : { error: { code: -32601, message: "no" } }) })
}
const isAnswer = (text: string, id: unknown): boolean => {
  const m = JSON.parse(text) as Message
  return m.method === undefined && m.id === id
}

export interface Command {
  readonly command: string
  readonly args: readonly string[]
  readonly cwd: string
}

export class StdioTalk implements Talk {
  readonly child: ChildProcess
  readonly #lines: string[] = []
  #rest = Buffer.alloc(0)
  #wake: () => void = () => undefined
  err = ""
  readonly ended: Promise<number | null>

  constructor({ command, args, cwd }: Command) {
    this.child = spawn(command, [...args], { cwd, stdio: "pipe" })
    this.child.stdin!.on("error", () => undefined)
    this.child.stderr!.on("data", (chunk: Buffer) => (this.err += chunk.toString("utf8")))
    this.child.stdout!.on("data", (chunk: Buffer) => {
      this.#rest = Buffer.concat([this.#rest, chunk])
      for (let at = this.#rest.indexOf(10); at !== -1; at = this.#rest.indexOf(10)) {
        this.#lines.push(this.#rest.subarray(0, at).toString("utf8"))
        this.#rest = this.#rest.subarray(at + 1)
      }
      this.#wake()
    })
    this.ended = new Promise((done) =>
      this.child.once("close", (code) => {
        done(code)
        this.#wake()
      }),
    )
  }

  async ask(text: string, id: unknown): Promise<readonly string[]> {
    this.child.stdin!.write(`${text}\n`)
    const came: string[] = []
    for (;;) {
      const line = await this.next(text)
      came.push(line)
      if (isAnswer(line, id)) return came
      const answer = answerTo(line)
      if (answer !== undefined) this.child.stdin!.write(`${answer}\n`)
    }
  }

  async settle(ms: number): Promise<readonly string[]> {
    await new Promise((done) => setTimeout(done, ms))
    const came: string[] = []
    while (this.#lines.length > 0) {
      const line = this.#lines.shift()!
      came.push(line)
      const answer = answerTo(line)
      if (answer === undefined) continue
      this.child.stdin!.write(`${answer}\n`)
    }
    return came
  }

  /** The next line, whatever it is. */
  async next(waitingFor = "anything"): Promise<string> {
    const until = performance.now() + ANSWER_MS_MAX
    while (this.#lines.length === 0) {
      if (performance.now() > until || this.child.exitCode !== null)
        throw new TypeError(`No answer to ${waitingFor.slice(0, 200)}; it said: ${this.err.slice(-500)}`)
      await new Promise<void>((wake) => {
        this.#wake = wake
        setTimeout(wake, 250)
      })
    }
    return this.#lines.shift()!
  }

  async tell(text: string): Promise<void> {
    this.child.stdin!.write(`${text}\n`)
  }

  async close(): Promise<void> {
    this.child.stdin!.end()
    await this.ended
  }
}

export class HttpTalk implements Talk {
  readonly #url: string
  #session: string | null = null
  /** Of the last answer that had one. */
  status = 0

  constructor(url: string) {
    this.#url = url
  }

  #headers(): Record<string, string> {
    return {
      "content-type": "application/json",
      accept: "application/json, text/event-stream",
      ...(this.#session === null ? {} : { "mcp-session-id": this.#session }),
    }
  }

  async ask(text: string, id: unknown): Promise<readonly string[]> {
    const response = await fetch(this.#url, { method: "POST", headers: this.#headers(), body: text })
    this.status = response.status
    this.#session = response.headers.get("mcp-session-id") ?? this.#session
    if (!response.headers.get("content-type")?.startsWith("text/event-stream")) return [await response.text()]
    const events = new Events(1 << 30)
    const came: string[] = []
    for await (const chunk of response.body!) {
      for (const data of events.push(chunk)) {
        if (data === "") continue
        came.push(data)
        const answer = isAnswer(data, id) ? undefined : answerTo(data)
        if (answer !== undefined) void this.tell(answer)
      }
    }
    return came
  }

  async tell(text: string): Promise<void> {
    const response = await fetch(this.#url, { method: "POST", headers: this.#headers(), body: text })
    this.status = response.status
    await response.arrayBuffer()
  }

  readonly #stop = new AbortController()

  #heard: string[] | undefined

  /** From the first time on, listens to what the server says by itself. */
  async settle(ms: number): Promise<readonly string[]> {
    if (this.#heard === undefined) {
      this.#heard = []
      const { "content-type": _, ...headers } = this.#headers()
      const accept = "text/event-stream"
      const stream = await fetch(this.#url, { headers: { ...headers, accept }, signal: this.#stop.signal })
      if (stream.ok) this.#listen(stream, this.#heard).catch(() => undefined)
    }
    await new Promise((done) => setTimeout(done, ms))
    return this.#heard.splice(0)
  }

  async #listen(stream: Response, heard: string[]): Promise<void> {
    const events = new Events(1 << 30)
    for await (const chunk of stream.body!) {
      for (const data of events.push(chunk)) {
        if (data === "") continue
        heard.push(data)
        const answer = answerTo(data)
        if (answer !== undefined) await this.tell(answer)
      }
    }
  }

  async close(): Promise<void> {
    this.#stop.abort()
    if (this.#session !== null)
      await (await fetch(this.#url, { method: "DELETE", headers: this.#headers() })).arrayBuffer()
  }
}

/** Starts a server that says where it listens, and waits until it does. */
export async function listening(command: Command, says: RegExp, env: NodeJS.ProcessEnv = {}) {
  const child = spawn(command.command, [...command.args], {
    cwd: command.cwd,
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
  })
  let said = ""
  const found = await new Promise<RegExpExecArray>((resolve, reject) => {
    const look = (chunk: Buffer) => {
      said += chunk.toString("utf8")
      const match = says.exec(said)
      if (match !== null) resolve(match)
    }
    child.stdout!.on("data", look)
    child.stderr!.on("data", look)
    child.once("exit", () => reject(new TypeError(`It ended before it listened: ${said}`)))
    setTimeout(() => reject(new TypeError(`It does not listen: ${said}`)), ANSWER_MS_MAX).unref()
  })
  const ended = new Promise<void>((done) => child.once("exit", () => done()))
  return {
    found,
    said: () => said,
    close: async () => {
      child.kill("SIGTERM")
      await ended
    },
  }
}
