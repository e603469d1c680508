/**
 * The node kind `ask`: a person answers. It is a read of the world like any other, so its answer is recorded and a
 * replay does not ask again. Where nobody can be asked it fails at once; where nobody answers, its timeout ends it.
 */
import {
  type Call,
  fail,
  isRecord,
  jsonText,
  type NodeKind,
  type NodeView,
  Park,
  printType,
  type Rec,
  type Services,
  type Signature,
  type SignatureProblem,
  T,
  type Type,
  type Value,
} from "../graph/mod.ts"

/** An answer that cannot be read as the type wanted is asked for again this many times. */
const TRIES = 3

export const ask: NodeKind = {
  kind: "ask",
  about: "Asks a person, and waits for the answer: one value, or a form, where `output:` is a record.",
  main: { form: "text", type: T.string, required: true, about: "The question." },
  fields: {
    choices: { form: "static", type: T.list(T.string), about: "The answers to choose from." },
    within: { form: "duration", about: "How long a run rests for the answer; then the node fails with Timeout." },
    confirm: {
      form: "text",
      about:
        "A value that is shown with the question. The node gives it where the answer is yes, and fails with Declined where not.",
    },
  },
  takesWith: false,
  sign,
  open: (config, _resources, services, signature) => ({
    execute: async (args: Value, call: Call) => {
      const question = isRecord(args) ? String(args["ask"]) : ""
      const confirm = isRecord(args) ? args["confirm"] : undefined
      if (services.ask === undefined && call.parks === true)
        return parked(question, config, confirm, services, signature)
      if (services.ask === undefined) {
        throw fail("NoPerson", `Cannot ask ${JSON.stringify(question)}: nobody is there to answer`, {
          undelivered: true,
        })
      }
      if (confirm !== undefined) return await confirmed(services.ask, question, confirm, call)
      const type = signature.output
      return type.kind === "record"
        ? await filled(services.ask, question, type, call)
        : await answered(services.ask, question, type, call)
    },
  }),
}

type AskService = NonNullable<Services["ask"]>

/** Asks until the answer is of the type, a few times. */
async function answered(ask: AskService, question: string, type: Type, call: Call): Promise<Value> {
  const choices = wordsOf(type)
  let text = question
  for (let i = 0; i < TRIES; i++) {
    const answer = await ask({
      path: pathText(call),
      text,
      ...(choices === undefined ? {} : { choices }),
      signal: call.signal,
    })
    const value = readAnswer(answer, type)
    if (value !== undefined) return value
    text = `${question} (${JSON.stringify(answer)} is not ${printType(type)})`
  }
  throw fail("BadAnswer", `No answer of the form ${printType(type)} in ${TRIES} tries`, { data: { tries: TRIES } })
}

/** A form, field after field. Nothing said to a field with a default, or that may be absent, is that. */
async function filled(
  ask: AskService,
  question: string,
  { fields }: Extract<Type, { kind: "record" }>,
  call: Call,
): Promise<Value> {
  const out: { [name: string]: Value } = {}
  for (const [name, { type, optional, default: left }] of Object.entries(fields)) {
    const may = left !== undefined ? ` [${jsonText(left)}]` : optional ? " [may be left out]" : ""
    const asked = `${question}\n  ${name}${may}`
    if (may === "") {
      out[name] = await answered(ask, asked, type, call)
      continue
    }
    // Words to choose from would leave no room for saying nothing.
    const answer = await ask({ path: pathText(call), text: `${asked} ${printType(type)}`, signal: call.signal })
    if (answer.trim() === "") {
      if (left !== undefined) out[name] = left
      continue
    }
    out[name] = readAnswer(answer, type) ?? (await answered(ask, asked, type, call))
  }
  return out
}

/** Nobody is at the terminal: the question stands in the ledger until somebody answers it, or its time is over. */
function parked(
  question: string,
  { within }: Rec,
  only: Value | undefined,
  { clock }: Services,
  { output }: Signature,
): Park {
  const choices = wordsOf(output)
  const late = fail("Timeout", "Nobody answered in time", { data: { question } })
  return new Park(
    "ask",
    {
      question: only === undefined ? question : `${question} ${shown(only)}`,
      type: printType(output),
      ...(choices === undefined ? {} : { choices }),
      ...(only === undefined ? {} : { only }),
    },
    typeof within === "number" ? clock.now() + within : null,
    late,
  )
}

/** Shows the value itself, and gives the very same. */
async function confirmed(
  ask: NonNullable<Services["ask"]>,
  question: string,
  value: Value,
  call: Call,
): Promise<Value> {
  const text = `${question}\n  ${shown(value)}`
  for (let i = 0; i < TRIES; i++) {
    const answer = readAnswer(
      await ask({ path: pathText(call), text, choices: ["no", "yes"], signal: call.signal }),
      T.boolean,
    )
    if (answer === true) return value
    if (answer === false) throw fail("Declined", `${JSON.stringify(question)} was answered with no`)
  }
  throw fail("BadAnswer", `No answer of the form yes | no in ${TRIES} tries`, { data: { tries: TRIES } })
}

/** What a person cannot see cannot be confirmed: marks that are not printed, or turn the text round, are written out. */
const shown = (value: Value): string =>
  jsonText(value, { nonFinite: "text" }).replace(
    /[\p{C}\p{Zl}\p{Zp}]/gu,
    (c) => `\\u{${c.codePointAt(0)!.toString(16)}}`,
  )

const pathText = (call: Call): string => call.path.join(".")

function sign(node: NodeView): Signature | readonly SignatureProblem[] {
  const choices = node.config["choices"]
  const output = choices === undefined ? (node.output ?? T.string) : T.enum(...(choices as readonly string[]))
  if (node.args["confirm"] !== undefined) return signConfirm(node)
  const problems: SignatureProblem[] = []
  if (Array.isArray(choices) && (choices.length < 2 || new Set(choices).size !== choices.length)) {
    problems.push({ code: "G207", key: "choices", message: "`choices:` wants at least two different answers." })
  }
  if (choices !== undefined && node.output?.kind === "boolean") {
    problems.push({
      code: "G207",
      key: "choices",
      message: "`choices:` gives one of its words, and `output: boolean` wants a yes or no.",
      fix: "Leave one of them out.",
    })
  }
  if (!isAnswerable(output) && !isForm(output)) {
    problems.push({
      code: "G101",
      key: "output",
      message: `A person cannot answer ${printType(output)}.`,
      fix: "Write boolean, number, int64, string, words: yes | no | later, or a record of such.",
    })
  }
  if (problems.length > 0) return problems
  return {
    effect: "read",
    resource: "person",
    needs: ["ask:person"],
    input: T.record({ ask: T.string }),
    output,
    // The answer is the person's, whatever was in the question.
    origin: "user",
    endorses: true,
    limits: { concurrent: 1 },
    waits: true,
  }
}

const isAnswerable = ({ kind }: Type): boolean => ["string", "enum", "boolean", "number", "int64"].includes(kind)
const isForm = (type: Type): boolean =>
  type.kind === "record" &&
  Object.keys(type.fields).length > 0 &&
  Object.values(type.fields).every((f) => isAnswerable(f.type))

function signConfirm(node: NodeView): Signature | readonly SignatureProblem[] {
  if (node.config["choices"] !== undefined) {
    const message = "`confirm:` is answered with yes or no, and `choices:` gives other words."
    return [{ code: "G207", key: "choices", message, fix: "Leave one of them out." }]
  }
  const output = node.output ?? T.string
  return {
    effect: "read",
    resource: "person",
    needs: ["ask:person"],
    input: T.record({ ask: T.string, confirm: output }),
    output,
    // The value goes through a person, who saw it.
    origin: "user",
    endorses: true,
    limits: { concurrent: 1 },
    waits: true,
  }
}

const wordsOf = (type: Type): readonly string[] | undefined =>
  type.kind === "enum" ? type.values : type.kind === "boolean" ? ["yes", "no"] : undefined

function readAnswer(answer: string, type: Type): Value | undefined {
  const text = answer.trim()
  if (type.kind === "boolean") return /^y(es)?$/i.test(text) ? true : /^no?$/i.test(text) ? false : undefined
  if (type.kind === "enum") return type.values.find((v) => v === text)
  if (type.kind === "int64") return /^-?\d{1,19}$/.test(text) ? BigInt.asIntN(64, BigInt(text)) : undefined
  if (type.kind !== "number") return answer
  const n = text === "" ? Number.NaN : Number(text)
  return Number.isFinite(n) ? n : undefined
}
