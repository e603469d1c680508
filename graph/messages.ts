/**
 * The catalogue of problems: one entry per code, with the page that `shadowgraph explain CODE` prints and
 * `docs/errors.md` collects. Codes are never reused. Groups: G0xx files and structure (and fields, G017), G1xx types and
 * expressions, G2xx nodes and resources, G3xx effects and capabilities, G4xx what starts runs by itself.
 */
import { EFFECT_MESSAGES } from "./messages/effects.ts"
import { FILE_MESSAGES } from "./messages/files.ts"
import type { Message } from "./messages/message.ts"
import { NODE_MESSAGES } from "./messages/nodes.ts"
import { TRIGGER_MESSAGES } from "./messages/triggers.ts"
import { TYPE_MESSAGES } from "./messages/types.ts"

export type { Message } from "./messages/message.ts"

export const MESSAGES = {
  ...FILE_MESSAGES,
  ...TYPE_MESSAGES,
  ...NODE_MESSAGES,
  ...EFFECT_MESSAGES,
  ...TRIGGER_MESSAGES,
} as const

export type Code = keyof typeof MESSAGES

export const isCode = (text: string): text is Code => Object.hasOwn(MESSAGES, text)

const COLUMNS = 90

/** The page of a code as plain text, for a terminal. */
export function messagePage(code: Code): string {
  const { title, page, wrong, right }: Message = MESSAGES[code]
  const example = (head: string, text: string | undefined) =>
    text === undefined ? [] : ["", head, ...text.split("\n").map((line) => `    ${line}`)]
  return [`${code}  ${title}`, "", ...wrapped(page), ...example("Wrong:", wrong), ...example("Right:", right), ""].join(
    "\n",
  )
}

function wrapped(text: string): readonly string[] {
  const lines: string[] = []
  for (const word of text.split(" ")) {
    const last = lines.at(-1)
    if (last === undefined || last.length + 1 + word.length > COLUMNS) lines.push(word)
    else lines[lines.length - 1] = `${last} ${word}`
  }
  return lines
}

/** All pages as one Markdown document. */
export function messagePages(): string {
  const codes = (Object.keys(MESSAGES) as Code[]).sort()
  const pages = codes.map((code) => {
    const { title, page, wrong, right }: Message = MESSAGES[code]
    const example = (head: string, text: string | undefined) =>
      text === undefined ? "" : `\n${head}\n\n\`\`\`yaml\n${text}\n\`\`\`\n`
    return `## ${code} ${title}\n\n${page}\n${example("Wrong:", wrong)}${example("Right:", right)}`
  })
  const head = `# What \`check\` can find\n\nThis page is generated from \`graph/messages\` by \`npm run generate\`. \`shadowgraph explain CODE\` prints the same. What runs fail with is in [failures.md](failures.md).\n`
  return [head, ...pages].join("\n")
}
