/**
 * The node kind `llm`: asks a language model at any endpoint that speaks the chat-completions protocol. The answer is
 * text, or a value of the declared output type, checked here and asked for again when it does not fit; tools that the
 * model may call are bodies of the node. A foreign model is a read: its answer is recorded and never computed again.
 */
import {
  type Call,
  type Executor,
  Failure,
  fail,
  type Http,
  isRecord,
  type NodeKind,
  type NodeView,
  type Rec,
  type Services,
  type Signature,
  type SignatureProblem,
  T,
  type Type,
  type Value,
} from "../graph/mod.ts"
import { beyondJson, readAnswer, type Shape, shapeOf } from "./answer.ts"
import type { Completion, Endpoint } from "./chat.ts"
import { authNeeds, netNeed, readAuth, readOrigin } from "./endpoint.ts"
import { Servers } from "./fall-back.ts"
import { need } from "./lack.ts"
import { readTools, runTool, type Tool, toolsOf } from "./toolbox.ts"

const TOOL_ROUNDS_DEFAULT = 4
const REPAIRS_DEFAULT = 1
const SERVERS_MAX = 16
const MESSAGES = T.list(T.record({ role: T.enum("system", "user", "assistant"), content: T.string }))
const USAGE = T.record({ prompt_tokens: T.number, completion_tokens: T.number })

export const llm: NodeKind = {
  kind: "llm",
  about: "Asks a language model that the file declares, and gives its answer as text or as a value of the output type.",
  main: { form: "static", type: T.string, required: true, about: "The model, by its name under `models:`." },
  fields: {
    system: { form: "text", type: T.string, about: "How the model is to behave: the first message." },
    prompt: { form: "text", type: T.string, about: "What is asked: the last message." },
    messages: { form: "cel", type: MESSAGES, about: "A conversation so far, between `system` and `prompt`." },
    temperature: { form: "static", type: T.number, about: "0 to 2; the server's own default where left out." },
    max_tokens: {
      form: "static",
      type: T.number,
      about: "Most tokens of one answer. One that is cut off is a failure.",
    },
    seed: { form: "static", type: T.number, about: "Asks the server for the same answer again, where it can." },
    tool_rounds: {
      form: "static",
      type: T.number,
      about: "How often the model may call tools before it answers. Default 4.",
    },
    repairs: {
      form: "static",
      type: T.number,
      about: "How often an answer that does not fit the output is sent back. Default 1.",
    },
    usage: { form: "static", type: T.boolean, about: "Gives { value, usage: { prompt_tokens, completion_tokens } }." },
    stream: { form: "static", type: T.boolean, about: "false for servers that cannot stream. The result is the same." },
  },
  scopes: { key: "tools", role: "tool", about: "What the model may call: name → { about, input, do }.", rests: true },
  takesWith: false,
  sign,
  open,
}

// ---- the check

interface Settings {
  readonly name: string
  /** The first is asked first. */
  readonly endpoints: readonly Endpoint[]
  /** Request fields that stay the same for every round. */
  readonly fixed: Rec
  readonly tools: readonly Tool[]
  readonly toolRounds: number
  readonly repairs: number
  readonly usage: boolean
  readonly stream: boolean
  /** `undefined`: text. */
  readonly shape: Shape | undefined
}

function readSettings(
  config: Rec,
  resources: NodeView["resources"],
  output: Type | undefined,
): Settings | readonly SignatureProblem[] {
  const problems: SignatureProblem[] = []
  const name = String(config["llm"])
  const read = readModel(name, resources["models"])
  const endpoints = read.filter((e): e is Endpoint => "url" in e)
  problems.push(...read.filter((e): e is SignatureProblem => "code" in e))
  const bounded = (key: string, fallback: number | undefined, min: number, max: number, whole = true) => {
    const n = config[key]
    if (n === undefined) return fallback
    if (typeof n === "number" && n >= min && n <= max && (!whole || Number.isInteger(n))) return n
    const wanted = `wanted a ${whole ? "whole " : ""}number from ${min} to ${max}`
    problems.push({ code: "G207", key, message: `\`${key}\` is ${JSON.stringify(n)}, ${wanted}.` })
    return fallback
  }
  const fixed = {
    temperature: bounded("temperature", undefined, 0, 2, false),
    max_tokens: bounded("max_tokens", undefined, 1, 10_000_000),
    seed: bounded("seed", undefined, 0, Number.MAX_SAFE_INTEGER),
  }
  const toolRounds = bounded("tool_rounds", TOOL_ROUNDS_DEFAULT, 1, 100)!
  const repairs = bounded("repairs", REPAIRS_DEFAULT, 0, 5)!
  const tools = readTools(config["tools"])
  for (const t of tools) if ("code" in t) problems.push(t)
  if (config["tools"] === undefined && config["tool_rounds"] !== undefined) {
    problems.push({
      code: "G207",
      key: "tool_rounds",
      message: "`tool_rounds` means nothing without `tools`.",
      fix: "Leave it out.",
    })
  }
  const usage = config["usage"] === true
  const type = (usage ? valueType(output) : output) ?? T.string
  const beyond = beyondJson(type)
  if (beyond !== undefined)
    problems.push({ code: "G101", key: "output", message: `A model answers in text or JSON, and gives no ${beyond}.` })
  if (problems.length > 0) return problems
  return {
    name,
    endpoints,
    fixed: Object.fromEntries(Object.entries(fixed).filter(([, v]) => v !== undefined)) as Rec,
    tools: tools as readonly Tool[],
    toolRounds,
    repairs,
    usage,
    stream: config["stream"] !== false,
    shape: shapeOf(type),
  }
}

/** The type of `value` in a declared `{ value, usage }`. */
const valueType = (output: Type | undefined): Type | undefined =>
  output?.kind === "record" && Object.hasOwn(output.fields, "value") ? output.fields["value"]!.type : undefined

/** The servers of a model under `models:`, and what is wrong with their declaration. */
function readModel(
  name: string,
  models: { readonly [name: string]: Value } | undefined,
): readonly (Endpoint | SignatureProblem)[] {
  if (models === undefined || !Object.hasOwn(models, name)) {
    const have = Object.keys(models ?? {})
    return [
      {
        code: "G202",
        key: "llm",
        message: `No model is called "${name}".${have.length > 0 ? ` The file declares: ${have.join(", ")}.` : ""}`,
        fix: `Declare it: models: { ${name}: { url: https://host/v1, model: name, auth: secret:NAME } }`,
      },
    ]
  }
  const declared = models[name]!
  if (!Array.isArray(declared)) return readServer(name, declared)
  const servers = declared as readonly Value[]
  if (servers.length > 0 && servers.length <= SERVERS_MAX) return servers.flatMap((server) => readServer(name, server))
  const message = `Model "${name}" lists ${servers.length} servers, wanted 1 to ${SERVERS_MAX}.`
  return [{ code: "G207", key: "llm", message }]
}

function readServer(name: string, declared: Value): readonly (Endpoint | SignatureProblem)[] {
  const wrong = (message: string): readonly SignatureProblem[] => [
    {
      code: "G207",
      key: "llm",
      message,
      fix: `Write ${name}: { url: https://host/v1, model: name, auth: secret:NAME }, or a list of these.`,
    },
  ]
  if (!isRecord(declared)) return wrong(`Model "${name}" is no mapping.`)
  const stray = Object.keys(declared).find((k) => k !== "url" && k !== "model" && k !== "auth")
  if (stray !== undefined) return wrong(`"${stray}" means nothing in model "${name}"; it has url, model and auth.`)
  const { url, model, auth } = declared
  if (typeof url !== "string" || typeof model !== "string" || model === "")
    return wrong(`Model "${name}" has no ${typeof url === "string" ? "model" : "url"}.`)
  const origin = readOrigin(url, "llm")
  if ("code" in origin) return [origin]
  if (origin.search !== "" || origin.hash !== "") return wrong(`The url of model "${name}" has a ? or #.`)
  const who = readAuth(auth, "llm")
  if (Array.isArray(who)) return who as readonly SignatureProblem[]
  const base = origin.origin + origin.pathname.replace(/\/+$/, "")
  return [{ url: base, host: origin.host, model, auth: who as Endpoint["auth"] }]
}

function sign(node: NodeView): Signature | readonly SignatureProblem[] {
  const settings = readSettings(node.config, node.resources, node.output)
  const problems: SignatureProblem[] = "endpoints" in settings ? [] : [...settings]
  if (node.args["prompt"] === undefined && node.args["messages"] === undefined) {
    problems.push({
      code: "G005",
      key: "llm",
      message: "The node asks nothing: it has neither `prompt` nor `messages`.",
      fix: "Write prompt: what to ask.",
    })
  }
  if (problems.length > 0 || !("endpoints" in settings)) return problems
  const { name, endpoints, usage } = settings
  const servers = endpoints.flatMap(({ host, auth }) => [netNeed(host), ...authNeeds(auth)])
  return {
    effect: "read",
    resource: `model:${name}`,
    needs: [...new Set([`model:${name}`, ...servers])],
    output: usage ? T.record({ value: valueType(node.output) ?? T.string, usage: USAGE }) : (node.output ?? T.string),
    origin: "model",
    sinks: { system: "instructions" },
  }
}

// ---- the call

function open(config: Rec, resources: NodeView["resources"], services: Services, signature: Signature): Executor {
  const settings = readSettings(config, resources, signature.output)
  if (!("endpoints" in settings))
    throw fail("Refused", `Cannot open an llm node: ${settings[0]!.message}`, { data: { reason: "config" } })
  return {
    execute: (args, call) => {
      const client = need(services.http, `ask the model ${settings.name}`, "HTTP client")
      const conversation = { ran: 0 }
      return converse(settings, isRecord(args) ? args : {}, client, services, call, conversation).catch((cause) => {
        // What tools did is done: another attempt would do it again, at the same paths and with the same keys.
        if (cause instanceof Failure && conversation.ran > 0 && cause.retryable)
          throw fail(cause.code, cause.message, { ...cause, retryable: false, undelivered: false })
        throw cause
      })
    },
  }
}

/** Asks until there is an answer that fits: rounds of tools first, each bounded, then repairs, bounded too. */
async function converse(
  settings: Settings,
  args: Rec,
  http: Http,
  services: Services,
  call: Call,
  progress: { ran: number },
): Promise<Value> {
  const { shape, tools } = settings
  const servers = new Servers(settings.name, settings.endpoints)
  const messages: Value[] = opening(args)
  const spent = { prompt_tokens: 0, completion_tokens: 0, counted: true }
  let rounds = 0
  let repairs = 0
  for (;;) {
    const body: Rec = {
      messages,
      ...settings.fixed,
      ...(tools.length === 0 ? {} : { tools: toolsOf(tools) }),
      ...(shape === undefined ? {} : { response_format: formatOf(shape) }),
    }
    // What tools do follows from what the model said: that is on record before they do it.
    const answer = await servers.ask(body, tools.length > 0, settings.stream, http, services, call)
    count(spent, answer, call)
    if (answer.finish === "length") {
      throw fail("Truncated", `The answer of ${servers.model} was cut off at its limit of tokens`, {
        data: { max_tokens: settings.fixed["max_tokens"] ?? null },
      })
    }
    if (answer.toolCalls.length > 0) {
      if (++rounds > settings.toolRounds) {
        throw fail("ToolRounds", `${servers.model} still calls tools after ${settings.toolRounds} rounds`, {
          data: { limit: settings.toolRounds },
        })
      }
      progress.ran += answer.toolCalls.length
      messages.push(...(await runRound(tools, answer, call)))
      continue
    }
    if (shape === undefined) return result(settings, servers.model, answer.text, spent)
    const read = readAnswer(shape, answer.text)
    if ("value" in read) return result(settings, servers.model, read.value, spent)
    if (++repairs > settings.repairs) {
      throw fail("BadOutput", `The answer of ${servers.model} does not fit its output: ${read.wrong}`, {
        data: { repairs: settings.repairs },
        retryable: true,
      })
    }
    call.note(`\nThe answer does not fit and is asked for again: ${read.wrong}\n`)
    messages.push({ role: "assistant", content: answer.text }, { role: "user", content: repairOf(read.wrong, shape) })
  }
}

function opening(args: Rec): Value[] {
  const said = (role: string, content: Value | undefined): Value[] =>
    content === undefined || content === null ? [] : [{ role, content }]
  const between = Array.isArray(args["messages"]) ? (args["messages"] as readonly Value[]) : []
  return [
    ...said("system", args["system"]),
    ...between.map((m) => ({ role: (m as Rec)["role"]!, content: (m as Rec)["content"]! })),
    ...said("user", args["prompt"]),
  ]
}

const formatOf = (shape: Shape): Value => ({
  type: "json_schema",
  json_schema: { name: "output", schema: shape.schema as Rec, strict: shape.strict },
})

const repairOf = (wrong: string, shape: Shape): string =>
  `Your answer could not be used: ${wrong}\nAnswer again, with nothing but JSON that fits this schema:\n${JSON.stringify(shape.schema)}`

/** Runs the calls of one answer in the order in which the model made them, so that their effects have an order. */
async function runRound(tools: readonly Tool[], answer: Completion, call: Call): Promise<readonly Value[]> {
  const messages: Value[] = [
    {
      role: "assistant",
      content: answer.text === "" ? null : answer.text,
      tool_calls: answer.toolCalls.map((c) => ({
        id: c.id,
        type: "function",
        function: { name: c.name, arguments: c.arguments },
      })),
    },
  ]
  for (const asked of answer.toolCalls) {
    call.note(`\n${asked.name}(${asked.arguments.slice(0, 200)})\n`)
    messages.push({ role: "tool", tool_call_id: asked.id, content: await runTool(tools, asked, call) })
  }
  return messages
}

interface Spent {
  prompt_tokens: number
  completion_tokens: number
  counted: boolean
}

function count(spent: Spent, { usage }: Completion, call: Call): void {
  if (usage === undefined) {
    spent.counted = false
    return
  }
  spent.prompt_tokens += usage.prompt
  spent.completion_tokens += usage.completion
  call.note(`\n${spent.prompt_tokens} + ${spent.completion_tokens} tokens\n`)
}

function result(settings: Settings, model: string, value: Value, { counted, ...usage }: Spent): Value {
  if (!settings.usage) return value
  if (counted) return { value, usage }
  throw fail("BadAnswer", `${model} does not count its tokens, and \`usage\` is asked for`)
}
