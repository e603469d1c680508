/**
 * A plan as bytes: a magic of eight bytes, then one canonical msgpack value `[header, sections]`. The header is first
 * and never changes its form, so that any version of the decoder can say which version it met. A plan has exactly one
 * encoding: equal plans are equal bytes, and `planHash` of the bytes is the plan's identity.
 */
import { type Digest, encode, hex, type Rec, sha256, type Value, ValueError } from "../graph/mod.ts"
import { PlanError } from "./error.ts"
import type { Plan } from "./plan.ts"
import { encodeNumbers, encodeScope } from "./stream.ts"
import { undoParts } from "./undo.ts"

/** `SGPLAN`, then a carriage return and a line feed: a transfer that rewrites line ends breaks the first bytes. */
export const MAGIC: readonly number[] = [0x53, 0x47, 0x50, 0x4c, 0x41, 0x4e, 0x0d, 0x0a]

/** The parts of an extern, in the order of its list: names would be most of the bytes of a large plan. */
export const EXTERN_PARTS = [
  "kind",
  "config",
  "effect",
  "resource",
  "needs",
  "input",
  "output",
  "async",
  "settings",
] as const

/**
 * The bytes of a plan. Throws `PlanError` with reason `unencodable` where an operand is no whole number in range or a
 * value is none. Whether the plan is right is `verify`'s question, not asked here.
 */
export function encodePlan(plan: Plan): Uint8Array {
  const value: Value = [
    { format: plan.format, semantics: plan.semantics },
    {
      plan: {
        name: plan.name,
        graph: plan.graph,
        ...(plan.valids === undefined
          ? {}
          : { valids: plan.valids.map(({ path, valid }) => [path, valid as unknown as Rec]) }),
        ...(plan.undos === undefined ? {} : { undos: plan.undos.map(undoParts) }),
        ...(plan.onFailure === undefined ? {} : { onFailure: plan.onFailure }),
        ...(plan.narrowed === undefined ? {} : { narrowed: plan.narrowed.map(({ at, grants }) => [at, grants]) }),
        input: plan.input,
        output: plan.output,
        needs: plan.needs,
        resources: plan.resources,
      },
      types: plan.types as readonly Value[],
      constants: {
        types: encodeNumbers(
          plan.constants.map((c) => c.type),
          "type of constant",
        ),
        values: plan.constants.map((c) => c.value),
      },
      externs: plan.externs.map((x) => EXTERN_PARTS.map((part) => x[part] as Value)),
      scopes: plan.scopes.map(encodeScope),
    },
  ]
  const body = encoded(value)
  const out = new Uint8Array(MAGIC.length + body.length)
  out.set(MAGIC)
  out.set(body, MAGIC.length)
  return out
}

function encoded(value: Value): Uint8Array {
  try {
    return encode(value)
  } catch (cause) {
    if (!(cause instanceof ValueError)) throw cause
    throw new PlanError({ reason: "unencodable", message: `Cannot encode a plan: ${cause.message}`, cause })
  }
}

/** SHA-256 of a plan's bytes in hexadecimal: what the plan is called, wherever it is stored. */
export const planHash = (bytes: Uint8Array, digest: Digest = sha256): string => hex(digest(bytes))
