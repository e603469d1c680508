/**
 * `undo:` held against the write that it takes back: one call of a tool that writes, over `out` and `args` and nothing
 * else, so that it can be made whenever the record of the write is at hand, by whatever process.
 */
import { T, type Type } from "../type.ts"
import { UNDO, UNDO_PARAMS, undoExpr, undoOf } from "../undo.ts"
import { boundProblem, validNames } from "../valid.ts"
import type { BodyFacts, Outcome, Surroundings } from "./doings.ts"
import { Names } from "./names.ts"
import type { NodeAt } from "./report.ts"

/** `type` is that of the write's answer. Gives what the undo does; undefined where there is none. */
export function undoFits(s: Surroundings, at: NodeAt, type: Type, outcome: Outcome): BodyFacts | undefined {
  const scope = at.node.scopes[UNDO]
  if (scope === undefined) return undefined
  const { report } = s
  const spot = () => report.ofNode(at, UNDO)
  const { signature } = outcome
  const refuse = (message: string, fix?: string) => report.error(spot(), "G207", message, fix)
  if (signature === undefined) {
    // A node of a kind that is not there, or that refused it, has been reported.
    if (!report.broken) refuse(`\`undo\` has no meaning on ${at.node.kind}.`, "Put it on the writes inside.")
  } else if (signature.effect !== "write") {
    refuse(
      `\`undo\` takes back a write, and this is ${signature.effect === "read" ? "a read" : "pure"}.`,
      "Leave it out.",
    )
  } else if (type.kind === "stream") {
    refuse("A stream is used item by item, before `undo` could look at the whole.", "Give a list.")
  } else if (Object.keys(at.node.scopes).some((role) => role !== UNDO && role !== "catch")) {
    refuse("The tool runs bodies of its own, which may write.", "Put `undo` on the writes inside them.")
  }
  const given = new Map(validNames(type, signature?.input ?? outcome.argType))
  const facts = s.body(
    scope,
    new Names(),
    at,
    UNDO,
    UNDO_PARAMS.map((name) => given.get(name) ?? T.unknown),
  )
  const undo = undoOf(at.node)
  const formed = scope.params.length === UNDO_PARAMS.length && scope.params.every((name, i) => name === UNDO_PARAMS[i])
  if (undo === undefined || scope.name !== undefined || scope.nodes.length !== 1 || !formed) {
    report.error(
      spot(),
      "G008",
      "`undo` is one call, over `out` and `args`.",
      "Move what more there is to do into a tool.",
    )
    return facts
  }
  const inner = { node: undo, path: `${at.path}.${UNDO}` }
  if (facts.effect !== "write" && !report.broken)
    report.error(report.ofNode(inner), "G207", `What undoes a write is a write, and this ${undo.kind} is not.`)
  const { after, cacheMs, shadow, speculate } = undo.settings
  for (const [key, value] of Object.entries({ after, cache: cacheMs, shadow, speculate }))
    if (value !== undefined)
      report.error(report.ofNode(inner, key), "G207", `\`${key}\` has no meaning in an \`undo\`.`, "Leave it out.")
  for (const role of Object.keys(undo.scopes))
    report.error(
      report.ofNode(inner, role),
      "G207",
      `\`${role}\` has no meaning in an \`undo\`: it is one call.`,
      "Leave it out.",
    )
  const bound = report.isBroken(undo) ? undefined : boundProblem(undoExpr(undo))
  if (bound !== undefined)
    report.error(
      report.ofNode(inner),
      "G006",
      `What \`undo\` is called with is too much: ${bound}.`,
      "Say less, or compute it in the tool.",
    )
  return facts
}
