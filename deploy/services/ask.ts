/**
 * Asks a person on the terminal, one question at a time however many nodes ask at once. What a graph puts into a
 * question may come from anywhere, so nothing in it can move the cursor or change the terminal.
 */
import process from "node:process"
import type { Readable, Writable } from "node:stream"
import { fail, type Question, type Services } from "../../graph/mod.ts"

export interface TerminalOptions {
  readonly input?: Readable
  readonly output?: Writable
  /** Called when the person presses Ctrl-C at a question: the run should end. */
  readonly interrupt?: () => void
}

/** The `ask` service of a terminal. */
export function terminalAsk(options: TerminalOptions = {}): NonNullable<Services["ask"]> {
  let last: Promise<unknown> = Promise.resolve()
  return (question) => {
    const mine = last.then(() => put(question, options))
    last = mine.catch(() => undefined)
    return mine
  }
}

/** Is there a person at the other end of the terminal? Questions go to the error stream: the output may be a pipe. */
export const hasTerminal = (): boolean => process.stdin.isTTY === true && process.stderr.isTTY === true

async function put(question: Question, options: TerminalOptions): Promise<string> {
  const { signal } = question
  const gone = () => fail("Cancelled", `The question at ${question.path} was withdrawn`, {})
  // A question whose turn comes too late is not shown.
  if (signal.aborted) throw gone()
  const { isCancel, select, text } = await import("@clack/prompts")
  const way = { input: options.input ?? process.stdin, output: options.output ?? process.stderr, signal }
  const message = plain(question.text)
  const answer =
    question.choices === undefined
      ? await text({ ...way, message, defaultValue: "" })
      : await select({ ...way, message, options: question.choices.map((value) => ({ value, label: plain(value) })) })
  if (!isCancel(answer)) return answer
  if (signal.aborted) throw gone()
  options.interrupt?.()
  throw fail("NoAnswer", `The question at ${question.path} was not answered`, { data: { path: question.path } })
}

/** Line breaks and tabs stay; escape sequences and other control characters become a visible sign. */
const plain = (words: string): string => words.replace(CONTROLS, "\ufffd")
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u202a-\u202e\u2066-\u2069]/g
