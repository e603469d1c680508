/**
 * What starts runs by itself, as the project's file declares it: `"schedules"`, by the clock, and `"hooks"`, by a request of
 * another server. Reading says everything that is wrong at once, each with its line; whether graphs fit is `check.ts`.
 */
import { parseCel, parseText, parseType } from "../../graph/file/mod.ts"
import {
  CapabilityError,
  type Expr,
  nearest,
  type Problem,
  parseCapability,
  parseDuration,
  T,
  type Type,
  type Value,
} from "../../graph/mod.ts"
import { isTimeZone, readTimeTable, type TimeTable, timeZonesLike } from "./cron.ts"
import { type At, type Data, isData, Reading } from "./reading.ts"
import { SCHEMES, type Scheme } from "./signature.ts"

/** The input of a run: the same each time, or with insertions (`${ … }`) computed from what started it. */
export type Given =
  | { readonly kind: "value"; readonly value: Value }
  | { readonly kind: "expr"; readonly expr: Expr; readonly inserted: readonly Inserted[] }

/** A text with insertions, and where in the input it stands. */
interface Inserted {
  readonly at: At
  readonly expr: Expr
}

interface Trigger {
  readonly name: string
  /** Of a graph of the project. */
  readonly graph: string
  readonly input: Given
  /** What its runs have of the project's grants. Default: all of them. */
  readonly grants?: readonly string[]
}

export interface Schedule extends Trigger {
  readonly cron: string
  readonly timezone: string
  readonly table: TimeTable
  /** A tick that passed while no server ran: let it be, or run the last one once. */
  readonly missed: "skip" | "once"
  /** A tick while the run of an earlier one has not ended: let it be, or run both. */
  readonly overlap: "skip" | "allow"
}

export interface Hook extends Trigger {
  readonly scheme: Scheme
  /** Names of secrets, any of which may have signed. */
  readonly secrets: readonly string[]
  readonly toleranceMs: number
  readonly body: Type
  /** Only deliveries for which this is true start a run. */
  readonly when?: Expr
  /** What is the same for a delivery that is made again. */
  readonly delivery: Expr
}

export interface Triggers {
  readonly schedules: readonly Schedule[]
  readonly hooks: readonly Hook[]
  readonly reading: Reading
}

/** What the expressions of a schedule can use. `time`: the tick in UTC; `local`: date and time of day in the schedule's zone. */
export const TICK: Type = T.record({ time: T.string, local: T.string, ms: T.number })
export const HEADERS: Type = T.map(T.string)

const SCHEDULE_KEYS = ["graph", "cron", "timezone", "input", "grants", "missed", "overlap"]
const HOOK_KEYS = ["graph", "signature", "secret", "tolerance", "body", "input", "when", "delivery", "grants"]
const NAME = /^[a-z][a-z0-9_-]{0,63}$/
const TOLERANCE_MS = 300_000

/** `text`: that of the file, which `data` was read from. */
export function readTriggers(
  file: string,
  text: string,
  data: Data,
): Triggers | { readonly problems: readonly Problem[] } {
  const reading = new Reading(file, text)
  const triggers = new TriggerReading(reading)
  const schedules = triggers.each(data["schedules"], "schedules", (x, name, at) => triggers.schedule(x, name, at))
  const hooks = triggers.each(data["hooks"], "hooks", (x, name, at) => triggers.hook(x, name, at))
  return reading.problems.length > 0 ? { problems: reading.problems } : { schedules, hooks, reading }
}

class TriggerReading {
  readonly #reading: Reading

  constructor(reading: Reading) {
    this.#reading = reading
  }

  each<A>(data: unknown, key: string, read: (x: Data, name: string, at: At) => A | undefined): readonly A[] {
    if (data === undefined) return []
    if (!isData(data)) {
      this.#reading.refuse([key], `"${key}" maps names to what they start.`)
      return []
    }
    return Object.entries(data).flatMap(([name, x]) => {
      const at = [key, name]
      if (!NAME.test(name)) this.#reading.refuse(at, `"${name}" is no name: wanted [a-z][a-z0-9_-]*.`)
      if (!isData(x)) return this.#reading.refuse(at, `"${name}" must be a mapping with "graph".`) ?? []
      return read(x, name, at) ?? []
    })
  }

  schedule(data: Data, name: string, at: At): Schedule | undefined {
    this.#reading.known(data, at, SCHEDULE_KEYS, "A schedule")
    const graph = this.#graph(data, at)
    const timezone = this.#timezone(data["timezone"], [...at, "timezone"])
    const table = this.#table(data["cron"], timezone, [...at, "cron"])
    const missed = this.#word(data["missed"], [...at, "missed"], ["skip", "once"])
    const overlap = this.#word(data["overlap"], [...at, "overlap"], ["skip", "allow"])
    const common = this.#common(data, at)
    if (graph === undefined || table === undefined) return undefined
    return { name, graph, cron: String(data["cron"]), timezone: timezone ?? "UTC", table, missed, overlap, ...common }
  }

  hook(data: Data, name: string, at: At): Hook | undefined {
    this.#reading.known(data, at, HOOK_KEYS, "A hook")
    const graph = this.#graph(data, at)
    const word = this.#word(data["signature"], [...at, "signature"], Object.keys(SCHEMES), true)
    const scheme = word === undefined ? undefined : SCHEMES[word]
    const secrets = this.#secrets(data["secret"], [...at, "secret"])
    const toleranceMs = this.#duration(data["tolerance"], [...at, "tolerance"]) ?? TOLERANCE_MS
    const body = this.#type(data["body"], [...at, "body"])
    const when = data["when"] === undefined ? undefined : this.#expr(data["when"], [...at, "when"])
    const given = data["delivery"] ?? scheme?.delivery
    const delivery = given === undefined ? undefined : this.#expr(given, [...at, "delivery"])
    const common = this.#common(data, at)
    if (!graph || !scheme || !secrets || !body || !delivery) return undefined
    return { name, graph, scheme, secrets, toleranceMs, body, delivery, ...(when ? { when } : {}), ...common }
  }

  #graph(data: Data, at: At): string | undefined {
    const { graph } = data
    if (typeof graph === "string" && graph !== "") return graph
    return this.#reading.refuse(at, `"graph" is missing: the name of the graph that is to run.`, undefined, "G005")
  }

  #common(data: Data, at: At): Pick<Trigger, "input" | "grants"> {
    const grants = this.#grants(data["grants"], [...at, "grants"])
    const input = this.#input(data["input"] ?? {}, [...at, "input"])
    return { input, ...(grants === undefined ? {} : { grants }) }
  }

  /** Text is text, and `${ … }` inserts, as everywhere in graph files; a text that is one insertion is its value. */
  #input(data: unknown, at: At): Given {
    const inserted: Inserted[] = []
    const exprOf = (x: unknown, at: At): Expr => {
      if (Array.isArray(x)) return { op: "list", items: x.map((y, i) => exprOf(y, [...at, i])) }
      if (isData(x)) return { op: "record", fields: Object.entries(x).map(([k, y]) => [k, exprOf(y, [...at, k])]) }
      const expr = typeof x === "string" && x.includes("${") ? this.#text(x, at) : undefined
      if (expr !== undefined) inserted.push({ at, expr })
      return expr ?? { op: "const", value: x as Value }
    }
    const expr = exprOf(data, at)
    return inserted.length === 0 ? { kind: "value", value: data as Value } : { kind: "expr", expr, inserted }
  }

  #text(source: string, at: At): Expr | undefined {
    const read = parseText(source)
    if ("expr" in read) return read.expr
    for (const p of read.problems) this.#reading.refuse(at, p.message, p.fix, p.code, p.span)
    return undefined
  }

  #grants(data: unknown, at: At): readonly string[] | undefined {
    if (data === undefined) return undefined
    if (!Array.isArray(data)) return this.#reading.refuse(at, `"grants" is a list of capabilities.`)
    for (const [i, grant] of data.entries()) {
      const read = typeof grant === "string" ? parseCapability(grant) : undefined
      if (read === undefined) this.#reading.refuse([...at, i], "A grant is a text.")
      else if (read instanceof CapabilityError) this.#reading.refuse([...at, i], read.message, undefined, "G306")
    }
    return data as readonly string[]
  }

  #timezone(data: unknown, at: At): string | undefined {
    if (data === undefined) return undefined
    if (typeof data === "string" && isTimeZone(data)) return data
    const near = typeof data === "string" ? nearest(data, timeZonesLike(data)) : undefined
    const fix = near === undefined ? "Write a name such as Europe/Zurich." : `Write ${near}.`
    return this.#reading.refuse(at, `${JSON.stringify(data)} is no time zone.`, fix, "G401")
  }

  #table(data: unknown, timezone: string | undefined, at: At): TimeTable | undefined {
    const fix = 'Write "0 7 * * 1-5" for seven in the morning from Monday to Friday.'
    if (data === undefined)
      return this.#reading.refuse(at.slice(0, -1), `"cron" is missing: when it is to run.`, fix, "G005")
    const read = typeof data === "string" ? readTimeTable(data, timezone ?? "UTC") : { wrong: "it is no text" }
    if (!("wrong" in read)) return read
    return this.#reading.refuse(at, `${JSON.stringify(data)} is no time table: ${read.wrong}.`, fix, "G401")
  }

  #word<W extends string>(data: unknown, at: At, words: readonly W[], needed: true): W | undefined
  #word<W extends string>(data: unknown, at: At, words: readonly W[]): W
  #word<W extends string>(data: unknown, at: At, words: readonly W[], needed = false): W | undefined {
    const key = String(at.at(-1))
    if (words.includes(data as W)) return data as W
    if (data === undefined && !needed) return words[0]
    const wanted = words.map((w) => `"${w}"`).join(" or ")
    if (data === undefined)
      return this.#reading.refuse(at.slice(0, -1), `"${key}" is missing: ${wanted}.`, undefined, "G005")
    const near = nearest(String(data), words)
    this.#reading.refuse(at, `"${key}" is ${wanted}, found ${JSON.stringify(data)}.`, near && `Write "${near}".`)
    return needed ? undefined : words[0]
  }

  #secrets(data: unknown, at: At): readonly string[] | undefined {
    const all: readonly unknown[] = Array.isArray(data) ? data : [data]
    const names = all.map((x) => (typeof x === "string" ? /^secret:([A-Za-z_][A-Za-z0-9_]*)$/.exec(x)?.[1] : undefined))
    if (names.length > 0 && names.every((n) => n !== undefined)) return names
    const fix = 'Write "secret:GITHUB_HOOK", and set GITHUB_HOOK where the server runs.'
    const place = data === undefined ? at.slice(0, -1) : at
    return this.#reading.refuse(place, `"secret" names what the sender signs with; it stands in no file.`, fix)
  }

  #duration(data: unknown, at: At): number | undefined {
    if (data === undefined) return undefined
    const read = typeof data === "string" ? parseDuration(data) : undefined
    if (read !== undefined && "value" in read) return read.value
    return this.#reading.refuse(at, `${JSON.stringify(data)} is no time.`, "Write 5m.")
  }

  #type(data: unknown, at: At): Type | undefined {
    if (data === undefined) return T.unknown
    if (typeof data !== "string") return this.#reading.refuse(at, `"body" is a type: "{ id: string }".`)
    const read = parseType(data)
    if ("type" in read) return read.type
    for (const p of read.problems) this.#reading.refuse(at, p.message, p.fix, p.code, p.span)
    return undefined
  }

  #expr(data: unknown, at: At): Expr | undefined {
    if (typeof data !== "string") return this.#reading.refuse(at, `"${String(at.at(-1))}" is an expression.`)
    const read = parseCel(data)
    if ("expr" in read) return read.expr
    for (const p of read.problems) this.#reading.refuse(at, p.message, p.fix, p.code, p.span)
    return undefined
  }
}
