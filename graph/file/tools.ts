/**
 * Nodes of registered kinds: their key, their fields and `with:` are read by the forms that the registration states, so
 * a new kind needs no line here.
 */
import type { Expr } from "../expr.ts"
import type { Scope } from "../ir.ts"
import type { FieldSpec, NodeKind, SignatureProblem } from "../node.ts"
import { type Mark, spotInScalar } from "../places.ts"
import type { Value } from "../value.ts"
import { celOf, textOf, withOf, wordOf } from "./cells.ts"
import { dataOf } from "./data.ts"
import { fromOutside, textFromOutside } from "./folder.ts"
import { plainValue } from "./plain.ts"
import {
  article,
  entriesOf,
  isEmpty,
  listing,
  type NodeBody,
  type ReadBody,
  type Reading,
  refuse,
  refuseKey,
  refuseUnknownKeys,
  under,
} from "./reading.ts"
import { durationOf, sizeOf } from "./settings.ts"
import { recordOf } from "./types.ts"
import { COMMON_WORDS, TOOL_WORDS } from "./vocabulary.ts"

export function toolOf(r: Reading, mark: Mark, kind: NodeKind, read: ReadBody): NodeBody {
  const own = [kind.kind, ...Object.keys(kind.fields), ...(kind.takesWith ? ["with"] : [])]
  if (kind.scopes !== undefined) own.push(kind.scopes.key)
  refuseUnknownKeys(r, mark, [...own, ...Object.keys(COMMON_WORDS)], `${article(kind.kind)} node`)
  const config: { [key: string]: Value } = {}
  const args: { [name: string]: Expr } = {}
  // What says which call it is could be read: without that, whoever lifts and signs could only guess.
  let sound = true
  for (const [key, spec] of [[kind.kind, kind.main] as const, ...Object.entries(kind.fields)]) {
    const before = r.session.problems.length
    const part = under(mark, key)
    if (part !== undefined) readField(r, part, key, spec, config, args)
    else if (spec.required) refuseKey(r, mark, "G005", `The ${kind.kind} node has no \`${key}\`. ${spec.about}`)
    const tells = key === kind.kind || (spec.form !== "text" && spec.form !== "cel")
    if (tells && r.session.problems.length > before) sound = false
  }
  const scopes = kind.scopes === undefined ? {} : ownBodies(r, mark, kind.scopes, config, read)
  const stated = kind.takesWith ? withOf(r, mark) : { entries: [] }
  const given: { [name: string]: Expr } = "entries" in stated ? Object.fromEntries(stated.entries) : {}
  // What could not be read is not handed to the kind: it has been told already.
  const lifted = liftOf(r, mark, sound ? kind.lift : undefined, config, args, given)
  const body = { config: lifted.config, scopes, half: !sound }
  if ("entries" in stated) return { ...body, args: { op: "record", fields: Object.entries(lifted.args) } }
  const also = Object.keys(lifted.args)
  if (also.length > 0 && !r.session.places.isBroken(stated.whole)) {
    const message = `\`with\` gives all arguments at once, and ${listing(also)} is given beside it.`
    refuse(r, under(mark, "with")!, "G003", message, "Give each argument by its name under `with:`.")
  }
  return { ...body, args: stated.whole }
}

function readField(
  r: Reading,
  mark: Mark,
  key: string,
  spec: FieldSpec,
  config: { [key: string]: Value },
  args: { [name: string]: Expr },
): void {
  switch (spec.form) {
    case "text":
      args[key] = spec.path ? textFromOutside(textOf(r, mark), r.folder, r.session.places) : textOf(r, mark)
      return
    case "cel":
      args[key] = celOf(r, mark)
      return
    case "duration":
    case "size": {
      const n = spec.form === "duration" ? durationOf(r, mark) : sizeOf(r, mark)
      if (n !== undefined) config[key] = n
      return
    }
    case "static": {
      const value = staticOf(r, mark, key, spec)
      if (value !== undefined) config[key] = value
    }
  }
}

function staticOf(r: Reading, mark: Mark, key: string, spec: FieldSpec): Value | undefined {
  if (isEmpty(mark.cell)) {
    refuse(r, mark, "G005", `\`${key}\` is empty. ${spec.about}`)
    return undefined
  }
  if (spec.type?.kind === "string") {
    const word = wordOf(r, mark, `\`${key}\``)
    return word !== undefined && spec.path ? fromOutside(word, r.folder) : word
  }
  const value = plainValue(mark.cell)
  const held = spec.type === undefined ? { value } : dataOf(value, spec.type)
  if ("value" in held) return held.value
  refuse(r, mark, "G008", `\`${key}\`: ${held.problem}.`)
  return undefined
}

/** The bodies that the kind calls by name while it runs: `tools:` of an `llm`. */
function ownBodies(
  r: Reading,
  mark: Mark,
  { key, role }: NonNullable<NodeKind["scopes"]>,
  config: { [key: string]: Value },
  read: ReadBody,
): { readonly [role: string]: Scope } {
  const part = under(mark, key)
  if (part === undefined) return {}
  const scopes: { [role: string]: Scope } = {}
  const declared: { [name: string]: Value } = {}
  for (const [name, tool] of entriesOf(r, part, `\`${key}\``)) {
    refuseUnknownKeys(r, tool, TOOL_WORDS, article(role))
    const inputMark = under(tool, "input")
    const input = inputMark === undefined ? { kind: "record" as const, fields: {} } : recordOf(r, inputMark)
    const aboutMark = under(tool, "about")
    const about = aboutMark === undefined ? undefined : wordOf(r, aboutMark, "`about`")
    const body = under(tool, "do")
    if (body === undefined) {
      refuseKey(r, tool, "G005", `The ${role} "${name}" has no \`do\`: the body that runs when it is called.`)
      continue
    }
    for (const [field, { optional }] of Object.entries(input.fields)) {
      if (optional && inputMark)
        refuse(
          r,
          inputMark,
          "G207",
          `The field "${field}" may be absent, and a body's variable may not.`,
          `Give it a default: ${field}: T = value.`,
        )
    }
    declared[name] = { ...(about === undefined ? {} : { about }), input: input as unknown as Value }
    scopes[`${role}:${name}`] = read(body, `${role}:${name}`, Object.keys(input.fields))
  }
  config[key] = declared
  return scopes
}

/** What the kind makes of the plain reading. */
function liftOf(
  r: Reading,
  mark: Mark,
  lift: NodeKind["lift"],
  config: { readonly [key: string]: Value },
  args: { readonly [name: string]: Expr },
  given: { readonly [name: string]: Expr },
): { readonly config: { readonly [key: string]: Value }; readonly args: { readonly [name: string]: Expr } } {
  const lifted = lift?.({ config, args, with: given })
  if (lifted !== undefined && !isProblems(lifted)) return lifted
  for (const p of lifted ?? []) {
    const spot = spotOf(mark, p.key)
    r.session.problems.push({
      code: p.code,
      severity: p.severity ?? "error",
      ...spot,
      message: p.message,
      ...(p.fix ? { fix: p.fix } : {}),
    })
  }
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(args, name)) {
      const part = under(under(mark, "with")!, name)!
      refuseKey(
        r,
        part,
        "G003",
        `The argument "${name}" is given twice: by \`${name}\` and under \`with\`.`,
        "Keep one of them.",
      )
    }
  }
  return { config, args: { ...args, ...given } }
}

const isProblems = (x: object): x is readonly SignatureProblem[] => Array.isArray(x)

/** The spot of a key path below a node: `with.path`. */
function spotOf(mark: Mark, key: string): ReturnType<typeof spotInScalar> {
  let at = mark
  for (const word of key.split(".")) at = under(at, word) ?? at
  return spotInScalar(at, undefined)
}
