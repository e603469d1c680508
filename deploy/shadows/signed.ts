/** Small JSON files that this project's key has signed: nobody without the key can make one say something else. */
import type { LedgerKey } from "../services/ledger_key.ts"

/** What a file is: the name of its value in it, and the line that its signed text begins with. */
export interface SignedKind {
  readonly name: string
  readonly head: string
}

const signed = (head: string, value: unknown): Uint8Array => new TextEncoder().encode(head + JSON.stringify(value))

export async function printSigned({ name, head }: SignedKind, value: unknown, { signer }: LedgerKey): Promise<string> {
  const plain: unknown = JSON.parse(JSON.stringify(value))
  const signature = Buffer.from(await signer.sign(signed(head, plain))).toString("base64")
  return `${JSON.stringify({ [name]: plain, key: signer.log, signature }, null, 1)}\n`
}

/** The value, as it was printed; undefined where this key has not signed it. Fails with `SyntaxError` where the text is none of these files. */
export async function readSigned({ name, head }: SignedKind, text: string, { signer }: LedgerKey): Promise<unknown> {
  const found: unknown = JSON.parse(text)
  if (typeof found !== "object" || found === null || !Object.hasOwn(found, name)) throw new SyntaxError(`no ${name}`)
  const { [name]: value, signature } = found as { readonly [field: string]: unknown }
  const bytes = typeof signature === "string" ? new Uint8Array(Buffer.from(signature, "base64")) : new Uint8Array()
  return (await signer.verify(signer.log, signed(head, value), bytes)) === true ? value : undefined
}
