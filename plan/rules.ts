/**
 * The rules that make a plan right, one line each, by number. `verify` refuses a plan with the number of the first rule
 * that it finds broken; the reference page lists them. Numbers are never reused.
 */
import { printType, type Type } from "../graph/mod.ts"
import { PlanError, type PlanPlace, printPlace } from "./error.ts"

export const RULES = {
  // — the plan
  P001: "The format and the version of the semantics are known ones.",
  P002: "Everything has the shape that its TypeScript type says; tables and lists have at most COUNT_MAX entries.",
  P003: "The name is a short text; the graph's hash is 64 lower-case hexadecimal digits.",
  P004: "Types nest at most TYPE_DEPTH_MAX levels and have at most TYPE_SIZE_MAX parts, inferred types too; defaults are values of their fields' types; a stream is part of no other type.",
  P005: "A constant is a value of its type.",
  P006: "An extern points at types that are there; pure ones touch no resource; settings are in bounds, and only what does not write is speculated.",
  P007: "The plan's needs are sorted, each once, and every need of an extern is among them.",
  P008: "Scope 0 is the graph's body; every other scope is a body of exactly one step, in a scope of lower index; scopes nest at most SCOPE_NESTING_MAX levels.",
  P009: "Comparing types, and joining what is known on several ways through a block, takes at most TYPE_WORK_MAX steps, and TYPE_WORK_EACH for each step and instruction of the plan.",
  // — scopes and operands
  P010: "A frame has at most SLOTS_MAX slots, none beyond parameters and what steps write.",
  P011: "An operand points at something that is there: a slot, constant, type, extern or scope.",
  P012: "A name is a text, names are different texts, a path is a list of words; a record's names are in canonical order.",
  P013: "`after` lists earlier steps, each once, in order.",
  P014: "A step has the bodies that its kind wants; a body's parameters are its binders and its captures, and every capture belongs to a body.",
  P015: "`parallel` is at least 1, `max` at most LOOP_MAX, `macro` one of the table.",
  P016: "Only a block has instructions, and for each the path of its node.",
  // — slots
  P020: "A slot is written before it is read: by a parameter, an earlier step, or before it in the same block.",
  P021: "No step writes a parameter's slot.",
  P022: "A slot that another step reads, or that holds the result, is overwritten only by the one step that reads its value, and reads it when it starts.",
  P023: "What a block leaves in a slot that another step reads is there whichever way the block went, and is no failure.",
  P024: "What a block reads from before itself it reads before any instruction of its list writes the slot.",
  // — blocks
  P030: "Regions nest inside a block, at most REGION_NESTING_MAX deep, and loops EACH_NESTING_MAX; an `if` has its `else`.",
  P031: "A slot that is assigned on one side of an `if`, or inside an `each`, is not read after its end.",
  P032: "A slot that is assigned inside an `attempt` is read after its end only where the attempt is known to have succeeded.",
  P033: "A slot that an `each` reads from before it is not written inside it; its result is assigned inside it; item and index are two slots.",
  P034: "`raise` has a failure that is known to be there, and stands inside a region.",
  P035: "A failure is only looked at, copied and raised; it is no value.",
  // — types
  P040: "An operand has a type that the instruction certainly takes; what is not certain, or lacks a default, goes through `accept` first.",
  P041: "Arguments fit what the extern takes; captures and binders fit the body's parameters; a body's value fits what it is for.",
  P042: "The value of a scope fits the scope's type, the graph's output and its input fit the plan's.",
  P043: "A function is in the builtin table and takes arguments of these types.",
  P044: "Cases are different texts.",
  // — effects
  P050: "Of two effects of a scope on one resource, or on one that contains the other, one of them a write, the later step waits for the earlier one to be complete.",
  P051: "A `map` over bodies that write has one body at a time.",
  P052: "The order of effects is evident: finding it takes at most ORDER_WORK_MAX steps, and ORDER_WORK_EACH for each step and instruction of the plan.",
  P053: "Each call has a path of its own in the trace.",
  P054: "What narrows the grants of calls is sorted by path, each path once; a path is a list of names.",
  P055: "Undos are sorted by path, each path once; each is a call of an extern that writes, over the answer and the arguments of a write without bodies, with what that extern takes; neither gives a stream.",
} as const
export type Rule = keyof typeof RULES

/** Refuses a plan: `Cannot verify scope 0 step 3: slot 7 must be assigned before it is read, found nothing in it (P020)`. */
export function refuse(rule: Rule, at: PlanPlace | string, subject: string, wanted: string, found: string): never {
  const place = typeof at === "string" ? at : printPlace(at)
  throw new PlanError({
    reason: "refused",
    message: `Cannot verify ${place}: ${subject} must be ${wanted}, found ${found} (${rule})`,
    rule,
    ...(typeof at === "string" ? { section: at } : { place: at }),
    found,
    wanted,
  })
}

/** A type for a message: cut where it would fill the screen. */
export function named(type: Type): string {
  const s = printType(type)
  return s.length > 120 ? `${s.slice(0, 120)}…` : s
}
