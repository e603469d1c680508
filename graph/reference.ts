/**
 * The reference page of expressions, written from the table of builtins, so that the page and the language cannot part.
 * `npm run generate` writes it to docs/expressions.md.
 */

import { WORDS, type Words } from "./builtins/words.ts"
import { BUILTIN_GROUPS, type Overload } from "./builtins.ts"
import { DEPTH_MAX, SOURCE_MAX } from "./cel/bounds.ts"
import { MACRO_DEPTH_MAX } from "./infer.ts"
import { printType } from "./type.ts"

/** The page as Markdown. */
export function expressionReference(): string {
  const groups = BUILTIN_GROUPS.map(({ title, builtins }) => {
    const rows = builtins.map(
      (b) =>
        `| \`${cell(b.name)}\` | ${cell(wordsOf(b.name).about)} | ${b.overloads.map(signature).join("<br>")} | \`${cell(wordsOf(b.name).example)}\` |`,
    )
    return `## ${title}\n\n| | | types | example |\n| -- | -- | -- | -- |\n${rows.join("\n")}\n`
  })
  return `${INTRODUCTION}\n${groups.join("\n")}`
}

/** The tests see to it that every one has some. */
const wordsOf = (name: string): Words => WORDS[name]!

/** A signature; `!` where the call can fail on values of these types. */
function signature(o: Overload): string {
  const params = [...o.params.map(printType), ...(o.rest ? [`${printType(o.rest)}…`] : [])].join(", ")
  const result = typeof o.result === "function" ? "…" : printType(o.result)
  return `\`(${cell(params)}) → ${cell(result)}${o.fails ? " !" : ""}\``
}

const cell = (text: string): string => text.replaceAll("|", "\\|")

const INTRODUCTION = `# Expressions

Generated from \`graph/builtins\` by \`npm run generate\`; do not edit.

Expressions are [CEL](https://cel.dev), with types of graphs. They are checked before anything runs: every problem at
once, each with its place. An expression has no effects and always ends.

| | |
| -- | -- |
| \`input.order\`, \`lines[0].weight_kg\`, \`rates["EUR"]\` | A field, an element, a key. What is not there is the failure \`Missing\`. |
| \`a.?b\`, \`xs[?0]\`, \`m[?k]\` | The same, but null where it is not there: \`m[?k].orValue(1)\`. |
| \`has(a.b)\` | Is the field there? In \`has(a.b) ? a.b : …\` and after \`has(a.b) && …\` it is known to be. So it is with \`a != null\` and with \`pay.kind == "card"\`. |
| \`test ? a : b\`, \`a && b\`, \`a \\|\\| b\`, \`!a\` | Choices. \`&&\` and \`\\|\\|\` forgive a failure on one side when the other side decides. |
| \`[1, 2]\`, \`{"name": x}\`, \`{(key): x}\` | A list, a record, a map whose keys are computed. |
| \`xs.map(x, e)\`, \`xs.filter(x, test)\`, \`xs.map(x, test, e)\` | A list from a list; over a map, from its keys. |
| \`xs.transformList(i, x, e)\` | The same with positions; over a map, with keys and values. |
| \`xs.all(x, test)\`, \`xs.exists(x, test)\`, \`xs.exists_one(x, test)\` | Do all, does any, does exactly one? |
| \`xs.sortBy(x, e)\`, \`xs.sumBy(x, e)\` | In the order of, the sum of, what the expression gives for each. |
| \`text("a ", x, " b")\` | A text of parts; in a file, \`a \${ x } b\`. |
| \`1\`, \`1.5e3\`, \`0x1F\`, \`"text"\`, \`r"raw"\`, \`b"bytes"\`, \`true\`, \`null\`, \`NaN\`, \`Infinity\` | Constants. |

Numbers are float64: \`7 / 2\` is \`3.5\` and \`1 / 0\` is \`Infinity\`. An \`int64\` comes from a port of that type or from
\`int64(…)\`; it is exact or fails, and does not mix with numbers: \`number(i) / 2\`, \`i + int64(1)\`. Equality is deep and
follows IEEE for numbers (\`0 == -0\`, NaN equals nothing). Texts are ordered by code point, and their positions count code
points. Maps are gone over in the order of their keys. Patterns are RE2 and written out.

An expression may have ${SOURCE_MAX} characters and be nested ${DEPTH_MAX} deep, macros in macros ${MACRO_DEPTH_MAX} deep. Dates and times
have no types here: keep them as text or milliseconds and compute with them in an \`fn\` node.

In the tables, \`!\` marks what can fail on values of the types given.
`
