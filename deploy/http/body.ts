/**
 * Bodies of requests: how much of one is read and for how long, as bytes or as the JSON that they are. What is wrong with a
 * body is an answer.
 */
import { Failure, joined, readJson, type Value } from "../../graph/mod.ts"
import { Patience } from "./patience.ts"
import { Answer, JSON_TYPE, problemOf } from "./problems.ts"

/** How much of a body is read, and for how long. */
export interface BodyLimits {
  readonly bodyBytesMax: number
  readonly bodyMsMax: number
  /** Of `bodyMsMax`, for all bodies that a process reads. Default: each body has its own. */
  readonly patience?: Patience
}

/** The bytes of a body, or the problem with it; no more than that are read, and no longer is waited for them. */
export const bytesOf = (request: Request, limits: BodyLimits): Promise<Uint8Array | Answer> => {
  const encoded = codingOf(request)
  return encoded === undefined ? readBody(request, limits, (bytes) => bytes) : Promise.resolve(encoded)
}

/** A body that was compressed on its way is not unpacked here: how large it becomes is known only afterwards (RFC 9110, 15.5.16). */
export function codingOf(request: Request): Answer | undefined {
  const coding = request.headers.get("content-encoding")
  if (coding === null || /^\s*(identity)?\s*$/i.test(coding)) return undefined
  return problemOf(
    "encoded-body",
    `The content-encoding of the body is "${coding}".`,
    {},
    { "accept-encoding": "identity" },
  )
}

/** The JSON that a request carries, or the problem with it; an empty body is `{}`. */
export const jsonBody = (request: Request, limits: BodyLimits): Promise<Value | Answer> =>
  readJsonBody(request, limits, (value) => value)

/** What is made of a body or of the problem with it, in one step with its coming. */
export type Made<From, A> = (of: From | Answer) => A | Promise<A>

/** What is made of the JSON that a request carries, or of the problem with it; an empty body is `{}`. Rejects with what `made` throws. */
export function readJsonBody<A>(request: Request, limits: BodyLimits, made: Made<Value, A>): Promise<A> {
  // Also what keeps pages of other sites out: without leave a browser sends no such type to another origin.
  const type = request.headers.get("content-type") ?? ""
  if (type !== JSON_TYPE && !/^application\/(json|[\w.+-]*\+json)\s*(;|$)/i.test(type))
    return settled(made, problemOf("not-json", `The content-type is "${type}".`))
  return readBody(request, limits, (bytes) => {
    const json = bytes instanceof Answer ? bytes : jsonIn(bytes)
    // Nothing that was compressed is JSON, so those that are need not be asked whether they were.
    return made(json instanceof Answer ? (codingOf(request) ?? json) : json)
  })
}

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true })

function jsonIn(bytes: Uint8Array): Value | Answer {
  if (bytes.length === 0) return {}
  try {
    return readJson(STRICT_UTF8.decode(bytes))
  } catch (cause) {
    return problemOf("bad-body", cause instanceof Failure ? cause.message : "The body is no UTF-8.")
  }
}

const settled = async <From, A>(made: Made<From, A>, of: From | Answer): Promise<A> => made(of)

function readBody<A>(request: Request, limits: BodyLimits, made: Made<Uint8Array, A>): Promise<A> {
  const declared = request.headers.get("content-length")
  if (declared !== null && /^\d+$/.test(declared)) {
    // What says how long it is comes in one piece, nearly always: a server holds a body to the length that it declared.
    return Number(declared) > limits.bodyBytesMax ? settled(made, tooLarge(limits)) : inOnePiece(request, limits, made)
  }
  // Not asked before: a host makes a stream for whoever asks, and is slower to give all at once what has one.
  const { body } = request
  return body === null ? settled(made, NOTHING) : inPieces(body, limits).then(made)
}

function inOnePiece<A>(request: Request, limits: BodyLimits, made: Made<Uint8Array, A>): Promise<A> {
  return new Promise((resolve, reject) => {
    const { bodyBytesMax, bodyMsMax, patience } = limits
    const own = patience === undefined ? new Patience(bodyMsMax) : undefined
    const waiting = patience ?? own!
    let late = false
    const come = (of: Uint8Array | Answer): void => {
      if (late) return
      waiting.over(one)
      own?.close()
      try {
        resolve(made(of))
      } catch (cause) {
        reject(cause)
      }
    }
    const one = waiting.begin(() => {
      come(slowBody(limits))
      late = true
    })
    request.arrayBuffer().then(
      (buffer) => come(buffer.byteLength > bodyBytesMax ? tooLarge(limits) : new Uint8Array(buffer)),
      () => come(problemOf("bad-body", "The body broke off.")),
    )
  })
}

const tooLarge = ({ bodyBytesMax }: BodyLimits): Answer =>
  problemOf("too-large", `The body must have at most ${bodyBytesMax} bytes.`)
const slowBody = ({ bodyMsMax }: BodyLimits): Answer =>
  problemOf("slow-body", `The body did not come within ${bodyMsMax} ms.`)

async function inPieces(body: ReadableStream<Uint8Array>, limits: BodyLimits): Promise<Uint8Array | Answer> {
  const reader = body.getReader()
  let late = false
  const timer = setTimeout(() => {
    late = true
    void reader.cancel().catch(() => {})
  }, limits.bodyMsMax)
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for (;;) {
      const { done, value } = await reader.read()
      if (late) return slowBody(limits)
      if (done) break
      bytes += value.length
      if (bytes > limits.bodyBytesMax) {
        void reader.cancel().catch(() => {})
        return tooLarge(limits)
      }
      chunks.push(value)
    }
  } catch {
    return late ? slowBody(limits) : problemOf("bad-body", "The body broke off.")
  } finally {
    clearTimeout(timer)
  }
  return joined(chunks)
}

const NOTHING = new Uint8Array()
