// A collector for tests: an HTTP server that takes OTLP in its JSON form, holds every request against the schema of the
// protocol as OpenTelemetry publishes it, and answers as the test wants. What the schema does not know does not come through.
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import schema from "@opentelemetry/otlp-transformer/build/src/generated/root.js"

interface MessageType {
  readonly fromObject: (o: object) => object
  readonly verify: (o: object) => string | null
  readonly encode: (m: object) => { readonly finish: () => Uint8Array }
  readonly decode: (bytes: Uint8Array) => object
  readonly toObject: (m: object, options: object) => Json
}
// biome-ignore lint/suspicious/noExplicitAny: what a request holds is for each test to say
export type Json = any

/** Made by protobufjs from opentelemetry-proto. */
const { trace, metrics } = (schema as Json).opentelemetry.proto.collector
const TYPES: { readonly [path: string]: MessageType } = {
  "/v1/traces": trace.v1.ExportTraceServiceRequest,
  "/v1/metrics": metrics.v1.ExportMetricsServiceRequest,
}

const IDS = new Set(["traceId", "spanId", "parentSpanId"])

/** The JSON form has ids in hexadecimal, where protobuf's own has base64. */
const withIds = (x: Json, to: (hex: string) => string, key = ""): Json =>
  IDS.has(key)
    ? to(x)
    : Array.isArray(x)
      ? x.map((item) => withIds(item, to))
      : typeof x === "object" && x !== null
        ? Object.fromEntries(Object.entries(x).map(([k, v]) => [k, withIds(v, to, k)]))
        : x

/** What a message leaves out: lists without items. */
const withoutEmpty = (x: Json): Json =>
  Array.isArray(x)
    ? x.map(withoutEmpty)
    : typeof x === "object" && x !== null
      ? Object.fromEntries(
          Object.entries(x)
            .filter(([, v]) => !(Array.isArray(v) && v.length === 0))
            .map(([k, v]) => [k, withoutEmpty(v)]),
        )
      : x

/** The message as the schema reads it, after it went through its bytes. */
export function throughSchema(path: string, body: Json): Json {
  const type = TYPES[path]!
  const message = type.fromObject(withIds(body, (hex) => Buffer.from(hex, "hex").toString("base64")))
  const wrong = type.verify(message)
  if (wrong !== null) throw new RangeError(wrong)
  const back = type.toObject(type.decode(type.encode(message).finish()), { longs: String, bytes: String })
  return withIds(back, (base64) => Buffer.from(base64, "base64").toString("hex"))
}

export { withoutEmpty }

interface Took {
  readonly path: string
  readonly headers: { readonly [name: string]: string | readonly string[] | undefined }
  readonly body: Json
}

export interface Collector {
  readonly url: string
  readonly took: readonly Took[]
  /** Answers of the next requests; after them 200. */
  readonly answers: { readonly status: number; readonly body?: object; readonly headers?: Record<string, string> }[]
  /** All spans so far. */
  readonly spans: () => readonly Json[]
  /** The last report of each metric. */
  readonly metrics: () => Readonly<Record<string, Json>>
  readonly close: () => Promise<void>
}

export async function openCollector(): Promise<Collector> {
  const took: Took[] = []
  const answers: Collector["answers"] = []
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(chunk as Buffer)
    const { status, body = {}, headers = {} } = answers.shift() ?? { status: 200 }
    const path = request.url ?? ""
    took.push({ path, headers: request.headers, body: JSON.parse(Buffer.concat(chunks).toString()) })
    response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(body))
  })
  await new Promise<void>((ok) => server.listen(0, "127.0.0.1", ok))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    took,
    answers,
    spans: () =>
      took
        .filter((t) => t.path === "/v1/traces")
        .flatMap((t) => t.body.resourceSpans.flatMap((r: Json) => r.scopeSpans.flatMap((s: Json) => s.spans))),
    metrics: () =>
      Object.fromEntries(
        took
          .filter((t) => t.path === "/v1/metrics")
          .flatMap((t) => t.body.resourceMetrics[0].scopeMetrics[0].metrics.map((m: Json) => [m.name, m])),
      ),
    close: () => new Promise((done) => void server.close(() => done())),
  }
}

/** `{ name: value }` of a list of attributes. */
export const attributes = (list: readonly Json[]): Readonly<Record<string, Json>> =>
  Object.fromEntries(
    list.map(({ key, value }) => [
      key,
      value.stringValue ??
        value.boolValue ??
        value.doubleValue ??
        (value.intValue === undefined
          ? value.arrayValue.values.map((v: Json) => v.stringValue)
          : Number(value.intValue)),
    ]),
  )
