/** Pages G017 and G101 to G108: types and expressions. */
import type { Message } from "./message.ts"

export const TYPE_MESSAGES = {
  G017: {
    title: "No such field",
    page: 'A record has no field of that name. The message lists the fields that it has, with their types, and offers a near one. Where a field may be absent, write `record.?field`, or ask with `has(record.field)`; where any key may come, the type is a map: { "*": T }.',
    wrong: `input: { line: { weight_kg: number } }
nodes:
  cost: { expr: input.line.weight * 2 }
output: cost`,
    right: `input: { line: { weight_kg: number } }
nodes:
  cost: { expr: input.line.weight_kg * 2 }
output: cost`,
  },
  G101: {
    title: "Types do not fit",
    page: "A value of one type flows into a place of another: an argument, a condition, an operator, a declared output. The message goes to the first part where they differ. Convert explicitly: `string(x)`, `double(x)`, `int64(x)`, or state the right type. A stream goes to one `map` or `fold` of its own scope, and nowhere else.",
    wrong: `input: { count: number }
nodes:
  label: { expr: "'count: ' + input.count" }
output: label`,
    right: `input: { count: number }
nodes:
  label: { expr: "'count: ' + string(input.count)" }
output: label`,
  },
  G102: {
    title: "Unknown name",
    page: "An expression uses a name that is neither `input`, a node, nor a variable of a body around it; or `after:` names what is no node of its scope. Nodes inside a body are seen in that body alone: give what is needed outside as the body's output.",
    wrong: `nodes:
  price: { expr: 3 }
  total: { expr: prise * 2 }
output: total`,
    right: `nodes:
  price: { expr: 3 }
  total: { expr: price * 2 }
output: total`,
  },
  G103: {
    title: "Invalid expression",
    page: "The text is not a CEL expression, or uses a part of CEL that graphs leave out. The message points at the character. `expr`, `when`, `map`, `output` and the like take CEL as it is; elsewhere text is text, and CEL stands in `${ … }`, with $${ for the text ${.",
    wrong: `nodes:
  sum: { expr: "(1 + 2" }
output: sum`,
    right: `nodes:
  sum: { expr: "(1 + 2)" }
output: sum`,
  },
  G104: {
    title: "Unknown function",
    page: "There is no function or method of that name. The message offers a near one. What expressions cannot do, a node can: `fn` calls a function of a TypeScript module.",
    wrong: `nodes:
  total: { expr: "[1, 2].summ()" }
output: total`,
    right: `nodes:
  total: { expr: "[1, 2].sum()" }
output: total`,
  },
  G105: {
    title: "Never true",
    page: "A comparison that can never hold, or a case that can never come, such as an enumeration compared with a word it does not contain. It is almost always a slip of the pen, and would otherwise be a branch that never runs.",
    wrong: `input: { currency: EUR | USD }
nodes:
  krone: { expr: "input.currency == 'DKK'" }
output: krone`,
    right: `input: { currency: EUR | USD | DKK }
nodes:
  krone: { expr: "input.currency == 'DKK'" }
output: krone`,
  },
  G106: {
    title: "Unknown type",
    page: "A type names what is neither built in (null, boolean, number, int64, string, bytes, unknown, stream<T>, tensor<f32>[…]) nor declared under `types:`, or a type contains itself. One word alone is always a type: put it in quotes for an enumeration of one word. Types do not refer to themselves: say unknown at one place of the circle.",
    wrong: `types:
  Line: { weight: numbr }
input: { line: Line }
nodes: {}`,
    right: `types:
  Line: { weight: number }
input: { line: Line }
nodes: {}`,
  },
  G107: {
    title: "Path written as text",
    page: "Under `with:` and in other text, text is text. This one is also the path of a value that is in scope, so it was almost certainly meant to be inserted: write it in ${ }. For the text itself, insert it as a text.",
    wrong: `input: { name: string }
nodes:
  hello: { ask: input.name, choices: [yes, no] }
output: hello`,
    right: `input: { name: string }
nodes:
  hello: { ask: "\${ input.name }", choices: [yes, no] }
  text: { ask: "\${ 'input.name' }", choices: [yes, no], after: hello }
output: hello + text`,
  },
  G108: {
    title: "Decided at run time",
    page: "The value may or may not fit the place it goes to; only the run can tell, and it will look. Nothing is wrong: `check --strict` lists these places, for graphs that should not fail half-way. State a narrower type where the value comes from.",
  },
} as const satisfies Record<string, Message>
