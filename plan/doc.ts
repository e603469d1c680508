/**
 * The reference of the plan's instructions and rules as a page, generated from the tables, so that it cannot say anything
 * else. `npm run generate` writes it to `docs/plan.md`; a test holds the file against it.
 */
import { MACROS, OPS, type OperandKind, TWO_VARIABLES } from "./ops.ts"
import { COUNT_MAX, PLAN_FORMAT, SEMANTICS, SLOTS_MAX } from "./plan.ts"
import { RULES } from "./rules.ts"
import { TYPE_DEPTH_MAX } from "./shape.ts"
import { SCOPE_NESTING_MAX } from "./verify.ts"
import { EACH_NESTING_MAX, REGION_NESTING_MAX } from "./verify_block.ts"
import { ORDER_WORK_EACH, ORDER_WORK_MAX, RESOURCE_DEPTH_MAX } from "./verify_effects.ts"
import { TYPE_SIZE_MAX, TYPE_WORK_EACH, TYPE_WORK_MAX } from "./verify_types.ts"
import { PATH_MAX, WORD_MAX } from "./verify_words.ts"

/** What a number of each operand kind means. */
const KINDS: { readonly [K in OperandKind]: string } = {
  dst: "a slot that is written",
  src: "a slot that is read",
  srcs: "slots that are read, in order",
  const: "a constant",
  name: "a constant that is a text",
  names: "a constant that is a list of different texts",
  path: "a constant that is a list of words: the way from the scope to the node",
  type: "a type",
  extern: "an extern: a tool or function with its claims",
  scopes: "scopes, as bodies",
  int: "a number",
  steps: "earlier steps of the same scope, in order",
}

const LIMITS: { readonly [name: string]: number } = {
  SLOTS_MAX,
  COUNT_MAX,
  SCOPE_NESTING_MAX,
  REGION_NESTING_MAX,
  EACH_NESTING_MAX,
  TYPE_DEPTH_MAX,
  TYPE_SIZE_MAX,
  TYPE_WORK_MAX,
  TYPE_WORK_EACH,
  ORDER_WORK_MAX,
  ORDER_WORK_EACH,
  RESOURCE_DEPTH_MAX,
  PATH_MAX,
  WORD_MAX,
}

/** The page, Markdown. */
export function opcodeReference(): string {
  return `# The plan

A plan is what \`compile\` makes and the VM runs: bytes that are read, verified and admitted before anything of them runs.
This page is generated from \`plan/ops.ts\` and \`plan/rules.ts\` by \`npm run generate\`. How to add an instruction:
[add-an-opcode.md](add-an-opcode.md).

## Bytes

Eight bytes of magic (\`SGPLAN\`, carriage return, line feed), then one canonical msgpack value: a list of the header,
\`{ format: ${PLAN_FORMAT}, semantics: ${SEMANTICS} }\`, and the sections:

| section | holds |
|---|---|
| \`plan\` | name, hash of the checked graph without its \`valid:\`s and undos, and these with their paths where there are some, what a run does when it fails, types of input and output, what narrows grants, needs, declared resources |
| \`types\` | the types, each once |
| \`constants\` | \`types\`: the index of each constant's type, as bytes; \`values\`: the values |
| \`externs\` | for each tool or function: kind, config, effect, resource, needs, input, output, async, settings |
| \`scopes\` | for each scope its steps, as bytes |

Numbers in bytes have seven bits a byte, least first, the high bit set on all but the last, never longer than needed. An
operand is written as its distance from what its kind makes likely, so most take one byte. A plan has one encoding;
bytes in any other are refused. The SHA-256 of the bytes names the plan.

## Operands

| kind | is |
|---|---|
${rows(Object.entries(KINDS).map(([kind, is]) => [`\`${kind}\``, is]))}

## Steps

What the scheduler sees. A step starts when the makers of the slots it reads, and the steps of \`after\`, are complete;
bodies wait for their captures where they need them.

| code | step | operands | meaning |
|---|---|---|---|
${rows(table("step"))}

## Instructions

What a \`block\` does: pure, synchronous, in order. Regions nest and are closed inside the block.

| code | instruction | operands | meaning |
|---|---|---|---|
${rows(table("instr"))}

\`each\` gathers as its \`macro\` says: ${MACROS.map((m, i) => `${i} \`${m}\``).join(", ")}; plus ${TWO_VARIABLES} where the author's form has
two variables (of a map: value and key).

## Rules

What \`verify\` refuses a plan for, by number.

| rule | holds |
|---|---|
${rows(Object.entries(RULES))}

## Limits

| limit | is |
|---|---|
${rows(Object.entries(LIMITS).map(([name, n]) => [`\`${name}\``, n.toLocaleString("en-US")]))}
`
}

function table(level: "step" | "instr"): string[][] {
  return Object.entries(OPS)
    .filter(([, op]) => op.level === level)
    .map(([name, op]) => [
      `0x${op.code.toString(16).padStart(2, "0")}`,
      `\`${name}\``,
      op.operands.map(([kind, operand]) => (kind === operand ? `\`${kind}\`` : `\`${operand}\`: ${kind}`)).join(", "),
      op.about,
    ])
}

const rows = (cells: readonly (readonly string[])[]): string =>
  cells.map((r) => `| ${r.map((c) => c.replaceAll("|", "\\|")).join(" | ")} |`).join("\n")
