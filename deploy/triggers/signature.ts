/**
 * Who sent a request: its signature, HMAC-SHA-256 over the bytes of its body with a secret that both sides know, in the three
 * forms that senders use. The comparison takes the same time whatever differs, and time stamps that are signed are held
 * against the clock, so that a request which somebody kept is of no use later.
 * Sources: docs.github.com "Validating webhook deliveries"; docs.stripe.com/webhooks "Verify manually"; standardwebhooks.com.
 */
import { unhex } from "../../graph/mod.ts"

/** A form of signature. */
export interface Scheme {
  /** What is the same for a delivery that is made again, as an expression over `headers` and `body`. */
  readonly delivery: string
  readonly read: (header: (name: string) => string | undefined) => Signed | SignatureFault
  /** The key that a secret stands for. */
  readonly key: (secret: string) => Uint8Array | undefined
}

interface Signed {
  /** Any of them may be right: while a secret is changed there are two. */
  readonly signatures: readonly Uint8Array[]
  /** What is signed before the body. */
  readonly before: string
  /** When it was signed, in milliseconds since the epoch; undefined where the form does not say. */
  readonly at?: number
}

export type SignatureFault = "signature-missing" | "signature-wrong" | "signature-old"

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** `X-Hub-Signature-256: sha256=<hex>` over the body. It has no time stamp. */
const github: Scheme = {
  delivery: "headers['x-github-delivery']",
  key: bytes,
  read: (header) => {
    const found = header("x-hub-signature-256")
    if (found === undefined) return "signature-missing"
    const signature = /^sha256=([0-9a-f]{64})$/.exec(found)?.[1]
    return signature === undefined ? "signature-wrong" : { signatures: [unhex(signature)], before: "" }
  },
}

/** `Stripe-Signature: t=<seconds>,v1=<hex>,…` over the time, a dot and the body. */
const stripe: Scheme = {
  delivery: "body.id",
  key: bytes,
  read: (header) => {
    const found = header("stripe-signature")
    if (found === undefined) return "signature-missing"
    const parts = found.split(",").map((part) => part.trim().split("=") as [string, string | undefined])
    const times = parts.filter(([key]) => key === "t").map(([, value]) => value ?? "")
    const signatures = parts
      .filter(([key, value]) => key === "v1" && /^[0-9a-f]{64}$/.test(value ?? ""))
      .map(([, value]) => unhex(value!))
    const [time] = times
    if (times.length !== 1 || !/^\d{1,12}$/.test(time!) || signatures.length === 0) return "signature-wrong"
    return { signatures: signatures.slice(0, SIGNATURES_MAX), before: `${time}.`, at: Number(time) * 1_000 }
  },
}

/** `webhook-id`, `webhook-timestamp` and `webhook-signature: v1,<base64> …` over id, time and body with dots between. */
const standard: Scheme = {
  delivery: "headers['webhook-id']",
  key: (secret) => unbase64(secret.replace(/^whsec_/, "")),
  read: (header) => {
    const [id, time, found] = ["webhook-id", "webhook-timestamp", "webhook-signature"].map(header)
    if (id === undefined || time === undefined || found === undefined) return "signature-missing"
    const signatures = found
      .split(" ")
      .flatMap((part) => (part.startsWith("v1,") ? (unbase64(part.slice(3)) ?? []) : []))
      .filter((s) => s.length === 32)
    if (!/^\d{1,12}$/.test(time) || signatures.length === 0) return "signature-wrong"
    return { signatures: signatures.slice(0, SIGNATURES_MAX), before: `${id}.${time}.`, at: Number(time) * 1_000 }
  },
}

export const SCHEMES: { readonly [name: string]: Scheme } = { github, stripe, standard }

/** Work for a request that may be anybody's has a bound. */
const SIGNATURES_MAX = 4

export interface VerifyOptions {
  readonly scheme: Scheme
  /** Any of them may have signed. */
  readonly keys: readonly Uint8Array[]
  readonly header: (name: string) => string | undefined
  readonly body: Uint8Array
  /** Milliseconds since the epoch. */
  readonly now: number
  readonly toleranceMs: number
}

/** Undefined where the signature is right. */
export async function verifySignature(options: VerifyOptions): Promise<SignatureFault | undefined> {
  const { scheme, keys, header, body, now, toleranceMs } = options
  const signed = scheme.read(header)
  if (typeof signed === "string") return signed
  const before = bytes(signed.before)
  const content = new Uint8Array(before.length + body.length)
  content.set(before)
  content.set(body, before.length)
  let right = false
  for (const key of keys) {
    const hmac = await crypto.subtle.importKey("raw", key as BufferSource, { name: "HMAC", hash: "SHA-256" }, false, [
      "verify",
    ])
    for (const signature of signed.signatures) {
      // WebCrypto compares in constant time; every signature is looked at, whichever is right.
      if (await crypto.subtle.verify("HMAC", hmac, signature as BufferSource, content)) right = true
    }
  }
  if (!right) return "signature-wrong"
  // Looked at last: what a stranger says about the time is not worth an answer of its own.
  return signed.at !== undefined && Math.abs(now - signed.at) > toleranceMs ? "signature-old" : undefined
}

/** Undefined for what is no base64. */
function unbase64(text: string): Uint8Array | undefined {
  const digits = text.replace(/={1,2}$/, "")
  if (!/^[A-Za-z0-9+/]+$/.test(digits) || digits.length % 4 === 1) return undefined
  return Uint8Array.from(atob(digits), (c) => c.charCodeAt(0))
}
