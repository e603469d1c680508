/**
 * The file of an `onnx` node: where it lies, what the lock keeps of it, and how its bytes come in. Bytes count by their
 * hash alone: wherever they were read, they are the model that was pinned, or they are not used.
 */
import {
  type Failure,
  fail,
  isRecord,
  type Onnx,
  type OnnxAbout,
  type OnnxModel,
  type OnnxPorts,
  type Rec,
  type Services,
  type SignatureProblem,
  T,
  type Type,
  type Value,
} from "../graph/mod.ts"
import { type Auth, authNeeds, credential, netNeed, readAuth, readOrigin, rights, statusFailure } from "./endpoint.ts"
import { need } from "./lack.ts"

export const MODEL_BYTES_DEFAULT = 512 << 20
/** What one buffer may hold everywhere, and as much as the format itself can. */
export const MODEL_BYTES_MAX = 2 ** 31 - 1
const REDIRECTS_MAX = 3

/** Where a model lies. */
export type ModelPlace =
  | { readonly path: string; readonly root: string }
  | { readonly url: string; readonly host: string; readonly auth: Auth | undefined }

/** What `onnx:` and `auth:` of a node say, or what is wrong with them. */
export function readPlace(config: Rec): ModelPlace | readonly SignatureProblem[] {
  const text = String(config["onnx"])
  const wrong = (key: string, message: string, fix: string) => [{ code: "G207" as const, key, message, fix }]
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(text)) {
    const url = readOrigin(text, "onnx")
    if ("code" in url) return [url]
    if (url.hash !== "") return wrong("onnx", "The URL of a model has a #.", "Leave out what follows it.")
    const auth = readAuth(config["auth"])
    return Array.isArray(auth) ? auth : { url: url.href, host: url.host, auth: auth as Auth | undefined }
  }
  if (config["auth"] !== undefined)
    return wrong("auth", "`auth` means nothing for a file of this host.", "Leave it out.")
  const parts = text.split("/")
  if (parts.includes(".."))
    return wrong("onnx", `The path leaves its folder by "..".`, "Write it downward from the graph file's folder.")
  if (text === "" || text.endsWith("/"))
    return wrong("onnx", `${JSON.stringify(text)} names no file.`, "Write ./models/name.onnx, say.")
  const folders = parts.slice(0, -1).filter((p) => p !== "" && p !== ".")
  const root = text.startsWith("/") ? `/${folders.join("/")}` : [".", ...folders].join("/")
  return { path: text, root }
}

export const placeNeeds = (place: ModelPlace): readonly string[] =>
  "path" in place ? [`fs:read:${place.root}`] : [netNeed(place.host), ...authNeeds(place.auth)]
export const placeResource = (place: ModelPlace): string =>
  "path" in place ? `fs:${place.root}` : `host:${place.host}`

/** The most bytes that a node takes for its model. */
export const bytesMaxOf = (config: Rec): number => (config["limit"] as number | undefined) ?? MODEL_BYTES_DEFAULT

// ---- the pin

/** The key under which `shadowgraph.lock` pins a model: `{ sha256, bytes, opset, inputs, outputs }`. */
export const modelPinKey = (config: Rec): string => `onnx:${String(config["onnx"])}`

export interface ModelPin {
  readonly sha256: string
  readonly inputs: OnnxPorts
  readonly outputs: OnnxPorts
}

export const pinOf = (bytes: Uint8Array, sha256: string, { opset, inputs, outputs }: OnnxAbout): Rec => ({
  sha256,
  bytes: bytes.length,
  opset,
  inputs: inputs as unknown as Rec,
  outputs: outputs as unknown as Rec,
})

/** A pin as the lock has it; undefined where that is none: the file is edited by people. */
export function readPin(pin: Rec | undefined): ModelPin | undefined {
  const { sha256, inputs, outputs } = pin ?? {}
  const ports = (x: Value | undefined): x is Rec => x !== undefined && isRecord(x) && Object.values(x).every(isPort)
  if (typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256) || !ports(inputs) || !ports(outputs))
    return undefined
  return { sha256, inputs: inputs as unknown as OnnxPorts, outputs: outputs as unknown as OnnxPorts }
}
const isPort = (x: Value): boolean =>
  isRecord(x) &&
  typeof x["dtype"] === "string" &&
  (x["shape"] === null ||
    (Array.isArray(x["shape"]) &&
      x["shape"].every((n) => n === null || (Number.isSafeInteger(n) && (n as number) >= 0))))

/** The record type of a model's inputs, or of its outputs. */
export const portsType = (ports: OnnxPorts): Type =>
  T.record(Object.fromEntries(Object.entries(ports).map(([name, { dtype, shape }]) => [name, T.tensor(dtype, shape)])))

// ---- the bytes

/**
 * The bytes of a model, whatever they are. Fails as `read_file` and `http` nodes do (`MissingFile`, `OutsideRoot`, `TooLarge`,
 * `HttpStatus`, `Unreachable`, `Refused`, `NoSecret`).
 */
export async function fetchModel(
  place: ModelPlace,
  bytesMax: number,
  services: Services,
  signal: AbortSignal,
): Promise<Uint8Array> {
  if ("path" in place) {
    const files = need(services.files, `read the model "${place.path}"`, "files")
    return await files.read(place.path, { root: place.root, bytesMax })
  }
  const client = need(services.http, `fetch the model from ${place.host}`, "HTTP client")
  const { headers, hidden } = credential(place.auth, services)
  const response = await client.request({
    method: "GET",
    url: place.url,
    headers: { accept: "application/octet-stream, */*", "user-agent": "shadowgraph", ...headers },
    bytesMax,
    signal,
    repeatable: true,
    redirectsMax: REDIRECTS_MAX,
    ...rights(place.host, services),
  })
  if (response.status !== 200) throw statusFailure(`GET ${place.host}${new URL(place.url).pathname}`, response, hidden)
  return response.body
}

/** The bytes that were pinned: kept ones where the model comes from elsewhere, else fetched and held against the hash. */
export async function pinnedModel(
  place: ModelPlace,
  pin: ModelPin,
  bytesMax: number,
  onnx: Onnx,
  services: Services,
  signal: AbortSignal,
): Promise<OnnxModel> {
  const model = (bytes: Uint8Array): OnnxModel => ({ sha256: pin.sha256, bytes, inputs: pin.inputs })
  const remote = "url" in place
  const before = remote ? await onnx.kept(pin.sha256) : undefined
  if (before !== undefined) return model(before)
  const bytes = await fetchModel(place, bytesMax, services, signal)
  const found = onnx.sha256(bytes)
  if (found !== pin.sha256) throw drift(remote ? place.url : place.path, pin.sha256, found)
  if (remote) await onnx.keep(found, bytes)
  return model(bytes)
}

const drift = (model: string, pinned: string, found: string): Failure =>
  fail(
    "Drift",
    `Cannot run ${model}: its SHA-256 is ${found.slice(0, 16)}…, wanted ${pinned.slice(0, 16)}…, which the lock pinned. \`shadowgraph lock\` accepts the change`,
    { data: { model, pinned, found }, undelivered: true },
  )
