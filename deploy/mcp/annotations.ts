/**
 * What a client is told of a tool before it calls one: whether it changes anything, could destroy, may be called twice,
 * reaches outside. All of it follows from what the plan's tools are registered as; nobody writes it by hand.
 * Source: Model Context Protocol 2025-11-25 and 2026-07-28, "Tools", `ToolAnnotations`.
 */
import type { Extern } from "../../plan/mod.ts"

export interface Annotations {
  readonly readOnlyHint: boolean
  readonly destructiveHint: boolean
  readonly idempotentHint: boolean
  readonly openWorldHint: boolean
}

/**
 * - `readOnlyHint`: none of its tools is a write.
 * - `destructiveHint`: it writes. No registration says that a write only adds, so none is taken to.
 * - `idempotentHint`: it does not write; or it does not read, and each write puts the same thing in the same place: a second
 *   call with the same arguments sends the same.
 * - `openWorldHint`: one of its tools needs more than files, databases, a person, and what this process has by itself.
 */
export function annotationsOf(externs: readonly Extern[] | undefined): Annotations {
  // Of a plan that was not admitted nothing is promised.
  if (externs === undefined)
    return { readOnlyHint: false, destructiveHint: true, idempotentHint: false, openWorldHint: true }
  const writes = externs.filter((x) => x.effect === "write")
  const reads = externs.some((x) => x.effect === "read")
  return {
    readOnlyHint: writes.length === 0,
    destructiveHint: writes.length > 0,
    idempotentHint: writes.length === 0 || (!reads && writes.every(replaces)),
    openWorldHint: externs.some((x) => x.effect !== "pure" && !isNear(x)),
  }
}

/** RFC 9110, 9.2.2: PUT and DELETE are idempotent. A file that is written is replaced. */
function replaces({ kind, config }: Extern): boolean {
  if (kind === "write_file") return true
  return kind === "http" && (config["method"] === "PUT" || config["method"] === "DELETE")
}

/** Needs that stay on this machine, or with its people; what needs nothing has only time and chance. */
const NEAR = ["fs:", "sql:", "ask:"]
/** Needs nothing that anybody could grant, and still runs anybody's code. */
const ANY_CODE = "fn"
const isNear = ({ kind, needs }: Extern): boolean =>
  kind !== ANY_CODE && needs.every((need) => NEAR.some((scheme) => need.startsWith(scheme)))
