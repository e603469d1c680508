/**
 * The body of an HTTP answer: unpacked, counted, cut at the limit, and told apart from one that ended too early.
 */
import type { IncomingMessage } from "node:http"
import type { Readable, Transform } from "node:stream"
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib"
import { Failure, fail, type HttpRequest, type HttpResponse } from "../../graph/mod.ts"
import { wholeOf } from "../whole.ts"
import type { Answer } from "./connection.ts"
import { badCoding, cancelled, cut, safeUrl } from "./refusal.ts"

/** The body as it arrives, decoded, never more than the limit. */
async function* chunksOf(answer: Answer, request: HttpRequest): AsyncGenerator<Uint8Array> {
  const { response } = answer
  const name = `${request.method} ${safeUrl(request.url)}`
  const tooLarge = () =>
    fail("TooLarge", `${name}: the body is larger than ${request.bytesMax} bytes`, {
      data: { limit: request.bytesMax },
      undelivered: false,
    })
  const empty = request.method === "HEAD" || response.statusCode === 204 || response.statusCode === 304
  let count = 0
  try {
    if (!empty && Number(response.headers["content-length"] ?? 0) > request.bytesMax) throw tooLarge()
    answer.listen()
    for await (const chunk of empty ? response : decoded(response, name)) {
      answer.quiet()
      count += chunk.length
      if (count > request.bytesMax) throw tooLarge()
      yield chunk
      answer.listen()
    }
    if (!response.complete) throw cut(name)
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    if (request.signal.aborted) throw cancelled(request.signal)
    if (isCodingError(cause)) throw badCoding(`${name}: the body is not what its content-encoding says`, cause)
    throw cut(name, cause)
  } finally {
    answer.stop()
    response.destroy()
  }
}

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}

function decoded(response: IncomingMessage, name: string): Readable {
  const coding = (response.headers["content-encoding"] ?? "").trim().toLowerCase()
  if (coding === "identity" || coding === "") return response
  if (!Object.hasOwn(DECODERS, coding))
    throw badCoding(
      `${name}: the body has the content-encoding "${coding.slice(0, 40)}"; gzip, deflate and br are read`,
    )
  const through = DECODERS[coding]!()
  // `pipe` passes bytes on, but neither an error nor a cut connection.
  response.once("error", (cause) => through.destroy(cause))
  response.once("close", () => {
    if (!response.complete) through.destroy(cut(name))
  })
  return response.pipe(through)
}

const isCodingError = (cause: unknown): boolean => {
  const code = (cause as { code?: unknown }).code
  return typeof code === "string" && /^(Z_|ERR__ERROR|ERR_BROTLI|ERR_ZLIB)/.test(code)
}

function headersOf(response: IncomingMessage): Record<string, string> {
  const present = Object.entries(response.headers).filter(([k, v]) => v !== undefined && k !== "__proto__")
  return Object.fromEntries(present.map(([k, v]) => [k, Array.isArray(v) ? v.join(", ") : v!]))
}

/** The answer with its whole body. */
export async function whole(answer: Answer, request: HttpRequest): Promise<HttpResponse> {
  const body = await wholeOf(chunksOf(answer, request))
  return { status: answer.response.statusCode ?? 0, headers: headersOf(answer.response), body }
}

/** The answer as soon as its head is there, with the body to come. */
export function streamed(answer: Answer, request: HttpRequest): HttpResponse {
  const status = answer.response.statusCode ?? 0
  return { status, headers: headersOf(answer.response), body: new Uint8Array(0), chunks: chunksOf(answer, request) }
}
