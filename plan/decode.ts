/**
 * A plan out of bytes that may be anything. Only the one canonical form is read: whatever decodes encodes to the very
 * same bytes. What comes back has the shape of a plan and no more; `verify` decides whether it is right.
 */
import { decode, type Type, type Value, ValueError } from "../graph/mod.ts"
import { asTyped } from "./constants.ts"
import { EXTERN_PARTS, MAGIC } from "./encode.ts"
import { PlanError } from "./error.ts"
import { type Constant, type Extern, PLAN_FORMAT, type Plan } from "./plan.ts"
import * as shape from "./shape.ts"
import { readValids } from "./shape_expr.ts"
import { readExtern } from "./shape_extern.ts"
import { decodeNumbers, decodeScope } from "./stream.ts"
import { readOnFailure, readUndos } from "./undo.ts"

/**
 * Reads a plan. Throws `PlanError`: `not-a-plan` without the magic, `version` for another format, `malformed` with the
 * section and what was wanted there, `not-canonical` for bytes that the encoder would not have written. Linear in the
 * number of bytes, and sets nothing aside that the bytes do not pay for.
 */
export function decodePlan(bytes: Uint8Array): Plan {
  MAGIC.forEach((b, i) => {
    if (bytes[i] === b) return
    const found = i < bytes.length ? `byte 0x${bytes[i]!.toString(16)}` : "the end"
    throw new PlanError({
      reason: "not-a-plan",
      message: `Cannot decode a plan: byte ${i} must be 0x${b.toString(16)} (a plan starts with "SGPLAN"), found ${found}`,
      byte: i,
      found,
      wanted: `0x${b.toString(16)}`,
    })
  })
  const [head, body] = shape.tuple(value(bytes.subarray(MAGIC.length)), ["header", "sections"], "file")
  const header = readHeader(head!)
  const sections = shape.keyed(
    body,
    { plan: true, types: true, constants: true, externs: true, scopes: true },
    "sections",
  )
  const about = shape.keyed(
    sections["plan"],
    {
      name: true,
      graph: true,
      valids: false,
      undos: false,
      onFailure: false,
      narrowed: false,
      input: true,
      output: true,
      needs: true,
      resources: true,
    },
    "plan",
  )
  const types = shape.list(sections["types"], "types").map((t, i) => shape.readType(t, `types[${i}]`))
  return {
    ...header,
    name: shape.text(about["name"], "plan.name"),
    graph: shape.text(about["graph"], "plan.graph"),
    ...(Object.hasOwn(about, "valids") ? { valids: readValids(about["valids"], "plan.valids") } : {}),
    ...(Object.hasOwn(about, "undos") ? { undos: readUndos(about["undos"], "plan.undos") } : {}),
    ...(Object.hasOwn(about, "onFailure") ? { onFailure: readOnFailure(about["onFailure"], "plan.onFailure") } : {}),
    ...(Object.hasOwn(about, "narrowed") ? { narrowed: shape.readNarrowed(about["narrowed"], "plan.narrowed") } : {}),
    input: shape.whole(about["input"], "plan.input"),
    output: shape.whole(about["output"], "plan.output"),
    needs: shape.texts(about["needs"], "plan.needs"),
    resources: shape.readResources(about["resources"], "plan.resources"),
    types,
    constants: readConstants(sections["constants"]!, types),
    externs: shape.list(sections["externs"], "externs").map((x, i) => externOf(x, `externs[${i}]`)),
    scopes: shape.list(sections["scopes"], "scopes").map((b, i) => decodeScope(shape.bytes(b, `scopes[${i}]`), i)),
  }
}

function value(bytes: Uint8Array): Value {
  try {
    return decode(bytes)
  } catch (cause) {
    if (!(cause instanceof ValueError)) throw cause
    throw new PlanError({
      reason: cause.reason === "not-canonical" ? "not-canonical" : "malformed",
      message: `Cannot decode a plan: ${cause.message}`,
      byte: MAGIC.length,
      cause,
    })
  }
}

/** Only the format is judged here: another format has other sections, another semantics has not. */
function readHeader(v: Value): Pick<Plan, "format" | "semantics"> {
  const format = shape.whole(shape.rec(v, "header")["format"], "header.format")
  if (format !== PLAN_FORMAT) {
    throw new PlanError({
      reason: "version",
      message: `Cannot decode a plan: its format must be ${PLAN_FORMAT}, found ${format}`,
      section: "header",
      found: `${format}`,
      wanted: `${PLAN_FORMAT}`,
    })
  }
  const header = shape.keyed(v, { format: true, semantics: true }, "header")
  return { format, semantics: shape.whole(header["semantics"], "header.semantics") }
}

function readConstants(v: Value, known: readonly Type[]): readonly Constant[] {
  const r = shape.keyed(v, { types: true, values: true }, "constants")
  const values = shape.list(r["values"], "constants.values")
  const types = decodeNumbers(shape.bytes(r["types"], "constants.types"), values.length, "constants.types")
  return values.map((value, i) => ({ type: types[i]!, value: asTyped(value, known[types[i]!]) }))
}

function externOf(v: Value, at: string): Extern {
  const parts = shape.tuple(v, EXTERN_PARTS, at)
  return readExtern(Object.fromEntries(EXTERN_PARTS.map((part, i) => [part, parts[i]!])), at)
}
