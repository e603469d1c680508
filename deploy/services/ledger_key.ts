/**
 * The key that signs a ledger's log of heads: Ed25519 by WebCrypto, made at the first use and kept in a file that only its
 * owner may read. Whoever has the database but not this file cannot make the log say something else.
 */
import { randomUUID } from "node:crypto"
import { link, mkdir, readFile, unlink, writeFile } from "node:fs/promises"
import { dirname } from "node:path"
import type { Signer, Verify } from "../../audit/mod.ts"
import { hex, sha256 } from "../../graph/mod.ts"
import { kernelError } from "../../kernel/mod.ts"

export interface LedgerKey {
  readonly signer: Signer
  /** The raw public key, 32 bytes, in base64: what a verifier needs. */
  readonly publicKey: string
}

/** The key in `file`; makes one where there is none, readable by its owner alone. Fails with `KernelError` (`storage`). */
export async function openLedgerKey(file: string): Promise<LedgerKey> {
  const kept = await readKey(file)
  if (kept !== undefined) return kept
  const jwk = await newKey()
  const draft = `${file}.${randomUUID()}`
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(draft, `${JSON.stringify(jwk)}\n`, { mode: 0o600, flag: "wx" })
    // Of two processes that start together, one key comes to stand, whole, and both use it.
    await link(draft, file).catch((cause: NodeJS.ErrnoException) => {
      if (cause.code !== "EEXIST") throw cause
    })
  } catch (cause) {
    throw kernelError("storage", `Cannot keep the ledger's key in "${file}": ${(cause as Error).message}`, cause)
  } finally {
    await unlink(draft).catch(() => {})
  }
  const made = await readKey(file)
  if (made !== undefined) return made
  throw kernelError("storage", `Cannot keep the ledger's key in "${file}": it is gone again`)
}

/** The key in `file`, or undefined where there is no such file. Fails with `KernelError` (`corrupt`). */
export async function readKey(file: string): Promise<LedgerKey | undefined> {
  let text: string
  try {
    text = await readFile(file, "utf8")
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ENOENT") return undefined
    throw kernelError("storage", `Cannot read the ledger's key "${file}": ${(cause as Error).message}`, cause)
  }
  try {
    return await keyFrom(JSON.parse(text) as JsonWebKey)
  } catch (cause) {
    throw kernelError("corrupt", `Cannot use the ledger's key "${file}": ${(cause as Error).message}`, cause)
  }
}

/** A key that no file has: it is gone with its process. */
export const passingKey = async (): Promise<LedgerKey> => keyFrom(await newKey())

async function newKey(): Promise<JsonWebKey> {
  const pair = (await crypto.subtle.generateKey("Ed25519", true, ["sign", "verify"])) as CryptoKeyPair
  return crypto.subtle.exportKey("jwk", pair.privateKey)
}

async function keyFrom(jwk: JsonWebKey): Promise<LedgerKey> {
  const { kty, crv, x } = jwk
  const secret = await crypto.subtle.importKey("jwk", jwk, "Ed25519", false, ["sign"])
  const open = await crypto.subtle.importKey("jwk", { kty: kty!, crv: crv!, x: x! }, "Ed25519", true, ["verify"])
  const raw = new Uint8Array(await crypto.subtle.exportKey("raw", open))
  const publicKey = Buffer.from(raw).toString("base64")
  return {
    publicKey,
    signer: {
      log: logOf(raw),
      sign: async (bytes) => new Uint8Array(await crypto.subtle.sign("Ed25519", secret, bytes as BufferSource)),
      verify: await verifier([publicKey]),
    },
  }
}

/** A log's name: SHA-256 of its public key, in hexadecimal. */
export const logOf = (publicKey: Uint8Array): string => hex(sha256(publicKey))

/** Verifies signatures of these public keys (base64, raw). Fails with `KernelError` (`misuse`) where one is none. */
export async function verifier(publicKeys: readonly string[]): Promise<Verify> {
  const keys = new Map<string, CryptoKey>()
  for (const text of publicKeys) {
    const raw = new Uint8Array(Buffer.from(text, "base64"))
    try {
      keys.set(logOf(raw), await crypto.subtle.importKey("raw", raw, "Ed25519", true, ["verify"]))
    } catch (cause) {
      throw kernelError(
        "misuse",
        `Cannot verify with the key "${text}": want 32 bytes of an Ed25519 key in base64`,
        cause,
      )
    }
  }
  return async (log, bytes, signature) => {
    const key = keys.get(log)
    if (key === undefined) return undefined
    return crypto.subtle.verify("Ed25519", key, signature as BufferSource, bytes as BufferSource)
  }
}
