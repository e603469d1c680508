/** `shadow ask`: what the shadow of a tool says of arguments, one question or a file of them, without asking the tool. */
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { jsonOf, jsonText, type Prediction, readJson, type Value, type WhyNot } from "../../graph/mod.ts"
import { type EncodingRefused, ModelRefused, type PartSpec, predictMany, type Said } from "../../shadow/mod.ts"
import { ProjectError, why } from "../project/project.ts"
import { ortRuntime } from "../services/ort.ts"
import { asSpec, fieldOf, wordAs } from "../shadows/asked.ts"
import type { KeptShadow } from "../shadows/store.ts"
import { type Call, CliError, EXIT, usage } from "./command.ts"
import { printable } from "./errors.ts"
import { inputLines } from "./record.ts"
import { percent } from "./shadow_text.ts"

const WHY: { readonly [W in WhyNot]: string } = {
  support: "the calls on record do not reach these arguments",
  confidence: "it is not sure enough",
  drift: "its door is shut: the tool answers otherwise than it did",
  unable: "it cannot read these arguments",
}

/** Asks `kept` what `words` or the file of `--inputs` say. */
export async function askShadow(call: Call, kept: KeptShadow, words: readonly string[]): Promise<number> {
  const { opened } = kept
  const rows = (await questions(call, words, opened.package.input.of)).map((row) =>
    asSpec(opened.package.input.of, row),
  )
  const said = await predictMany(opened, rows, await ortRuntime())
  if (!("answers" in said)) throw refused(said)
  const { out } = call.terminal
  for (const [i, answer] of said.answers.entries())
    out.write(
      `${call.on("json") ? JSON.stringify(answerJson(rows[i]!, answer, kept)) : answerText(rows[i]!, answer, kept, call)}\n`,
    )
  if (!call.on("json")) out.write(`${out.colours.dim(closing(said, kept))}\n`)
  return said.answers.every((a) => a.ok) ? EXIT.ok : EXIT.failed
}

/** The rows that are asked: of a file, one JSON object a line, or of the words. */
async function questions(call: Call, words: readonly string[], spec: PartSpec): Promise<readonly Value[]> {
  const file = call.text("inputs")
  if (file !== undefined && words.length > 0) throw usage("shadow ask takes --inputs or words, not both")
  if (file === undefined) return [fromWords(words, spec)]
  try {
    const text = await readFile(resolve(call.terminal.cwd, file), "utf8")
    return inputLines(text, file, (line) => readJson(line, { uniqueKeys: true })) as readonly Value[]
  } catch (cause) {
    if ((cause as { code?: string }).code === undefined) throw cause
    throw new ProjectError({ reason: "unreadable", message: `Cannot read "${file}": ${why(cause)}`, cause })
  }
}

function fromWords(words: readonly string[], spec: PartSpec): Value {
  const given: { [name: string]: Value } = Object.create(null)
  for (const word of words) {
    const at = word.indexOf("=")
    if (at < 1) throw usage(`"${word}" is no key=value`, "shadowgraph shadow ask fn:add a=1 b=2")
    const name = word.slice(0, at)
    given[name] = wordAs(word.slice(at + 1), fieldOf(spec, name))
  }
  return { ...given }
}

function answerText(args: Value, answer: Prediction, { opened }: KeptShadow, call: Call): string {
  if (!answer.ok) {
    const place = answer.why === "support" ? outside(args, opened) : undefined
    const why = place === undefined ? WHY[answer.why] : `${WHY[answer.why]}. ${printable(place)}`
    return `${call.terminal.out.colours.dim("no answer:")} ${why}`
  }
  const sure = call.terminal.out.colours.dim(`confidence ${answer.confidence.toFixed(4)}`)
  return `${printable(jsonText(answer.value as Value, { nonFinite: "text" }))}  ${sure}`
}

/** Where arguments leave what the shadow knows, where that is one place. */
function outside(args: Value, { encoding }: KeptShadow["opened"]): string | undefined {
  return encoding.states(args, new Uint16Array(encoding.digits.length), 0)?.message
}

function answerJson(args: Value, answer: Prediction, { opened }: KeptShadow): object {
  const asked = jsonOf(args, { nonFinite: "text" })
  if (!answer.ok) {
    const because = answer.why === "support" ? outside(args, opened) : undefined
    return { args: asked, ok: false, why: answer.why, ...(because === undefined ? {} : { because }) }
  }
  const { value, confidence, alpha, by, ran } = answer
  return { args: asked, ok: true, output: jsonOf(value as Value, { nonFinite: "text" }), confidence, alpha, by, ran }
}

function closing({ answers, ran }: Said, { card }: KeptShadow): string {
  const spoke = answers.filter((a) => a.ok).length
  if (spoke === 0) return answers.length === 1 ? "the tool answers by itself" : "the tool answers all of them by itself"
  return `${spoke} of ${answers.length} answered, at most ${percent(card.calibration.alpha)} of them wrong; ${ran}`
}

const refused = (cause: ModelRefused | EncodingRefused): CliError =>
  new CliError({
    reason: "failed",
    message: cause instanceof ModelRefused ? cause.message : String(cause.message),
    exit: EXIT.failed,
    cause,
  })
