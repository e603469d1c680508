/**
 * What the kernel refuses, and what it cannot do. A refusal of a plan is an `AdmissionError`; everything else that keeps
 * a run from being recorded is a `KernelError`. Both carry a `reason` that a program can branch on; neither is ever a
 * `Failure` of the graph: a graph cannot catch its own kernel.
 */
import * as Data from "effect/Data"
import { type Path, printPath } from "../graph/mod.ts"

/**
 * The gates that a tool has to pass, in this order. Each is shut until something opens it. Once all are open, the policy
 * says whose text may go into its arguments.
 */
export type Gate = "registered" | "granted" | "validated" | "policy"

/** One extern of a plan that was refused, by the gate that refused it. */
export interface Refusal {
  /** The first node of the graph that calls the extern. */
  readonly path: Path
  readonly gate: Gate
  readonly reason: RefusalReason
  /** What was found and what was wanted. */
  readonly message: string
  /** How to open the gate, as a sentence. */
  readonly fix: string
  /** `not-granted`: the capability that is missing. */
  readonly capability?: string
}

export type RefusalReason =
  /** No kind of that name is registered, or its tool is not pinned. */
  | "not-registered"
  /** The kind itself refuses the settings that the plan carries. */
  | "refused-by-kind"
  /** The plan claims a smaller effect, fewer needs, or a synchronous answer where the registration says otherwise. */
  | "claims-less"
  /** The plan claims another effect, resource or type than the registration gives. */
  | "claims-other"
  /** A capability that the run needs is not granted. */
  | "not-granted"
  /** A need or a grant is no capability: it could mean two things, or its scheme is declared by no registered kind. */
  | "not-a-capability"
  /** The run has the right, but the `grants:` of a subgraph around the call do not hand it on. */
  | "narrowed"
  /** The plan is of another graph than the one that was checked, or lets one tool stand under two different grants. */
  | "forged-grants"
  /** No validator is installed that reaches the level demanded. */
  | "not-validated"
  /** The only one to judge an answer would be who gave it. */
  | "judges-itself"
  /** Somebody's text would go into an argument where the policy does not want it. */
  | "flow"

/** A plan that says less than is true is a worse sign than a missing grant, and names the whole refusal. */
const WORST_FIRST: readonly RefusalReason[] = [
  "forged-grants",
  "claims-less",
  "claims-other",
  "not-registered",
  "refused-by-kind",
  "not-a-capability",
  "judges-itself",
  "not-validated",
  "flow",
  "narrowed",
  "not-granted",
]

/** Refusals that the message spells out; `refusals` has them all. */
const LINES_MAX = 50

/** A plan was not admitted. `unreadable` and `unsound` are about the bytes; the others list what each extern lacks. */
export class AdmissionError extends Data.TaggedError("AdmissionError")<{
  readonly reason: "unreadable" | "unsound" | RefusalReason
  readonly message: string
  /** Every refusal at once; the worst one gives `reason`. Empty where the bytes were refused. */
  readonly refusals: readonly Refusal[]
  readonly cause?: unknown
}> {
  static of(plan: string, refusals: readonly Refusal[]): AdmissionError {
    const lines = refusals.slice(0, LINES_MAX).map(lineOf)
    if (refusals.length > LINES_MAX) lines.push(`and ${refusals.length - LINES_MAX} more`)
    const grants = [...new Set(refusals.flatMap((r) => (r.capability === undefined ? [] : [r.capability])))].sort()
    if (grants.length > 0) lines.push(`To grant what is missing, add: ${grants.map((g) => `--grant ${g}`).join(" ")}`)
    return new AdmissionError({
      reason: WORST_FIRST.find((reason) => refusals.some((r) => r.reason === reason))!,
      message: `Cannot admit plan "${plan}":\n${lines.map((l) => `  ${l}`).join("\n")}`,
      refusals,
    })
  }
}

/** What opens the gate of grants is said once for all of them. */
const lineOf = ({ path, reason, message, fix }: Refusal): string =>
  // What is to be granted is said once, below them all.
  reason === "not-granted" ? `${printPath(path)}: ${message}` : `${printPath(path)}: ${message}. ${fix}`

export type KernelReason =
  /** Another process or run wrote the same entry, or an entry would leave a gap. */
  | "conflict"
  /** The store is busy and stayed so for as long as it was to be waited for. */
  | "locked"
  /** The bytes in the store are not what a store of ours contains. */
  | "corrupt"
  /** No room: a full disk, or more entries waiting than the stated bound. */
  | "full"
  /** The store was written by another version. */
  | "format"
  /** The store cannot be reached, or the connection to it broke: what was kept by then is found by reading it again. */
  | "unavailable"
  /** The store may be read only. */
  | "readonly"
  /** Data that are needed were removed from the record. */
  | "redacted"
  /** The store was closed, or the run has ended. */
  | "closed"
  /** The run does not go as its record says: another plan, or a call with other arguments at the same place. */
  | "diverged"
  /** There is no such run, or what it needs (its plan) is not kept. */
  | "missing"
  /** An answer that fits nothing a run waits for, or is not of the type wanted there. */
  | "answer"
  /** There is nothing to undo: it was undone, or the run did nothing that has an undo. */
  | "undone"
  /** Any other refusal of the store; the cause says which. */
  | "storage"
  /** A call that breaks the kernel's own contract: a look-alike instead of a minted value, an intent settled twice. */
  | "misuse"

/** Something could not be recorded, so it did not happen. */
export class KernelError extends Data.TaggedError("KernelError")<{
  readonly reason: KernelReason
  readonly message: string
  readonly cause?: unknown
}> {}

export const kernelError = (reason: KernelReason, message: string, cause?: unknown): KernelError =>
  new KernelError({ reason, message, ...(cause === undefined ? {} : { cause }) })
