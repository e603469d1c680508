/**
 * Bodies of requests: how much of one is read and for how long, as bytes or as the JSON that they are. What is wrong with a
 * body is an answer.
 */
import { Failure, joined, readJson, type Value } from "../../graph/mod.ts"
import { Awaited, Patience } from "./patience.ts"
import { Answer, JSON_TYPE, problemOf } from "./problems.ts"

/** How much of a body is read, and for how long. */
export interface BodyLimits {
  readonly bodyBytesMax: number
  readonly bodyMsMax: number
  /** Of `bodyMsMax`, for all bodies that a process reads. Default: each body has its own. */
  readonly patience?: Patience
}

/** The bytes of a body, or the problem with it; no more than that are read, and no longer is waited for them. */
export function bytesOf(request: Request, limits: BodyLimits): Promise<Uint8Array | Answer> {
  const encoded = codingOf(request)
  return encoded === undefined
    ? new Promise((resolve) => take(request, limits, BYTES, resolve))
    : Promise.resolve(encoded)
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
export async function jsonBody(request: Request, limits: BodyLimits): Promise<Value | Answer> {
  const other = otherThanJson(request)
  if (other !== undefined) return other
  return jsonIn(request, await new Promise((resolve) => takeText(request, limits, resolve)))
}

/** Takes a body of UTF-8 in; `come` hears once, of its text or of the problem with it. */
export const takeText = (request: Request, limits: BodyLimits, come: (body: string | Answer) => void): void =>
  take(request, limits, TEXT, come)

/** What to answer to a body that says that it is no JSON. Also what keeps pages of other sites out: without leave a browser sends no such type to another origin. */
export function otherThanJson(request: Request): Answer | undefined {
  const type = request.headers.get("content-type") ?? ""
  return type === JSON_TYPE || /^application\/(json|[\w.+-]*\+json)\s*(;|$)/i.test(type)
    ? undefined
    : problemOf("not-json", `The content-type is "${type}".`)
}

/** What a body says as JSON, or the problem with it. */
export function jsonIn(request: Request, body: string | Answer): Value | Answer {
  const json = body instanceof Answer ? body : read(body)
  // Nothing that was compressed is JSON, so those that are need not be asked whether they were.
  return json instanceof Answer ? (codingOf(request) ?? json) : json
}

function read(text: string): Value | Answer {
  if (text === "") return {}
  try {
    return readJson(text)
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause
    return problemOf("bad-body", cause.message)
  }
}

/** A form in which a body is taken in. */
interface Form<Whole, Body> {
  /** All at once, as the host gives it. */
  readonly whole: (request: Request) => Promise<Whole>
  /** Of what the host gave, and of how many bytes the sender spoke. */
  readonly of: (whole: Whole, declared: number, limits: BodyLimits) => Body | Answer
  readonly joined: (bytes: Uint8Array) => Body | Answer
}

const BYTES: Form<ArrayBuffer, Uint8Array> = {
  whole: (request) => request.arrayBuffer(),
  of: (whole, _, limits) => (whole.byteLength > limits.bodyBytesMax ? tooLarge(limits) : new Uint8Array(whole)),
  joined: (bytes) => bytes,
}

const STRICT_UTF8 = new TextDecoder("utf-8", { fatal: true })
const NO_UTF8 = "The body is no UTF-8."

/** A host has the text of a body sooner than its bytes; what was no UTF-8 stands in it as U+FFFD, and takes another number of bytes than came. */
const TEXT: Form<string, string> = {
  whole: (request) => request.text(),
  of: (text, declared, limits) => {
    // What was broken became longer: asked first, since that may be more than is read.
    if (text.includes("\ufffd") && !took(text, declared)) return problemOf("bad-body", NO_UTF8)
    const { bodyBytesMax } = limits
    if (text.length * UTF8_MAX > bodyBytesMax && lengthOf(text) > bodyBytesMax) return tooLarge(limits)
    return said(text, declared)
  },
  joined: (bytes) => {
    try {
      return said(STRICT_UTF8.decode(bytes), bytes.length)
    } catch {
      return problemOf("bad-body", NO_UTF8)
    }
  },
}
/** A byte order mark is taken from a text; it is a body nevertheless. */
const MARK_BYTES = 3
const said = (text: string, bytes: number): string | Answer =>
  text === "" && bytes > 0 ? problemOf("bad-body", "The body is a byte order mark alone.") : text
/** Did the text take so many bytes, with a mark or without? */
function took(text: string, bytes: number): boolean {
  const length = lengthOf(text)
  return length === bytes || length + MARK_BYTES === bytes
}
/** Bytes of UTF-8 that one unit of a string can take. */
const UTF8_MAX = 3
const utf8 = new TextEncoder()
const lengthOf = (text: string): number => utf8.encode(text).length

function take<W, B>(request: Request, limits: BodyLimits, form: Form<W, B>, come: (body: B | Answer) => void): void {
  const declared = request.headers.get("content-length")
  if (declared !== null && /^\d+$/.test(declared)) {
    const bytes = Number(declared)
    // What says how long it is comes in one piece, nearly always: a server holds a body to the length that it declared.
    if (bytes > limits.bodyBytesMax) come(tooLarge(limits))
    else new Whole(bytes, limits, form, come).take(request)
    return
  }
  // Not asked before: a host makes a stream for whoever asks, and is slower to give all at once what has one.
  const { body } = request
  if (body === null) come(form.joined(NOTHING))
  else void inPieces(body, limits).then((came) => come(came instanceof Answer ? came : form.joined(came)))
}

/** A body that comes in one piece, or too late. */
class Whole<W, B> extends Awaited {
  readonly #declared: number
  readonly #limits: BodyLimits
  readonly #form: Form<W, B>
  readonly #patience: Patience
  #come: ((body: B | Answer) => void) | undefined

  constructor(declared: number, limits: BodyLimits, form: Form<W, B>, come: (body: B | Answer) => void) {
    super()
    this.#declared = declared
    this.#limits = limits
    this.#form = form
    this.#come = come
    this.#patience = limits.patience ?? new Patience(limits.bodyMsMax)
  }

  /** What comes after its time is over is not looked at. */
  take(request: Request): void {
    this.#patience.begin(this)
    this.#form.whole(request).then(
      (whole) => this.#come !== undefined && this.#end(this.#form.of(whole, this.#declared, this.#limits)),
      () => this.#end(brokeOff()),
    )
  }

  late(): void {
    this.#end(slowBody(this.#limits))
  }

  #end(body: B | Answer): void {
    const come = this.#come
    if (come === undefined) return
    this.#come = undefined
    this.#patience.over(this)
    if (this.#limits.patience === undefined) this.#patience.close()
    come(body)
  }
}

const tooLarge = ({ bodyBytesMax }: BodyLimits): Answer =>
  problemOf("too-large", `The body must have at most ${bodyBytesMax} bytes.`)
const brokeOff = (): Answer => problemOf("bad-body", "The body broke off.")
const slowBody = ({ bodyMsMax }: BodyLimits): Answer =>
  problemOf("slow-body", `The body did not come within ${bodyMsMax} ms.`)

async function inPieces(body: ReadableStream<Uint8Array>, limits: BodyLimits): Promise<Uint8Array | Answer> {
  // Somebody else has it.
  if (body.locked) return brokeOff()
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
    return late ? slowBody(limits) : brokeOff()
  } finally {
    clearTimeout(timer)
  }
  return joined(chunks)
}

const NOTHING = new Uint8Array()
