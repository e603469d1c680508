/**
 * `<name>.test.yaml`: a graph's own cases. Each says what goes in, what the tools answer, what goes wrong with them, and
 * what has to come of it. Reading it runs nothing; every mistake is told with its line.
 */
import { type Document, isMap, isNode, LineCounter, parseDocument } from "yaml"
import { parseCel } from "../../graph/file/mod.ts"
import { type Code, type Expr, nearest, type Problem, parseDuration, type Rec, type Value } from "../../graph/mod.ts"

/** What a tool answers, by the key under `tools:`. */
export type Answer =
  | { readonly kind: "value"; readonly value: Value }
  /** One answer for each item of a `map`, or for each call. */
  | { readonly kind: "each"; readonly values: readonly Value[] }
  /** Computed from `args`. */
  | { readonly kind: "expr"; readonly expr: Expr }

/** What goes wrong with a tool. With `times`, only with the first attempts of a call. */
export interface Fault {
  readonly fail?: {
    readonly code: string
    readonly message?: string
    readonly data?: Value
    readonly retryable: boolean
    readonly undelivered: boolean
  }
  readonly delayMs?: number
  /** `timeout`: it never answers. `die`: it ends in mid-call. */
  readonly hang?: boolean
  readonly die?: boolean
  readonly times: number
}

export interface ExpectedCall {
  readonly key: string
  readonly args?: Value
}

export interface Case {
  readonly name: string
  /** 1-based line of the case in the file. */
  readonly line: number
  readonly input: Rec
  readonly tools: ReadonlyMap<string, Answer>
  readonly faults: ReadonlyMap<string, Fault>
  readonly output?: { readonly value: Value }
  readonly failure?: { readonly code: string; readonly at?: string; readonly data?: Value }
  readonly effects?: readonly ExpectedCall[]
  readonly checks: readonly { readonly text: string; readonly expr: Expr }[]
}

export interface TestFile {
  readonly file: string
  /** The graph's file as the test file names it; the one of the same name where it does not. */
  readonly graph?: string
  readonly cases: readonly Case[]
  /** The document itself, for writing what a run gave back into it. */
  readonly document: Document
}

export type ReadTestFile = { readonly test: TestFile } | { readonly problems: readonly Problem[] }

const FILE_KEYS = ["graph", "cases"]
const CASE_KEYS = ["name", "input", "tools", "faults", "output", "failure", "effects", "check"]
const FAULT_KEYS = ["fail", "message", "data", "retryable", "undelivered", "delay", "timeout", "die", "times"]

/** Reads a test file. Never throws on any text. */
export function readTestFile(file: string, text: string): ReadTestFile {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, uniqueKeys: text.length < 1_000_000 })
  const reading = new Reading(file, document, lines)
  for (const e of [...document.errors, ...document.warnings]) {
    reading.at(e.pos[0], "", "G008", e.message.split("\n")[0]!.replace(/ at line.*$/, "."))
  }
  if (reading.problems.length > 0) return { problems: reading.problems }
  let data: unknown
  try {
    data = document.toJS({ maxAliasCount: 100 })
  } catch (cause) {
    reading.at(0, "", "G008", `The file cannot be read: ${(cause as Error).message}.`)
    return { problems: reading.problems }
  }
  const test = reading.file_(data)
  return reading.problems.length > 0 || test === undefined ? { problems: reading.problems } : { test }
}

type Place = readonly (string | number)[]
type Data = { readonly [key: string]: unknown }
const isData = (x: unknown): x is Data => typeof x === "object" && x !== null && !Array.isArray(x)

class Reading {
  readonly problems: Problem[] = []
  readonly #file: string
  readonly #document: Document
  readonly #lines: LineCounter

  constructor(file: string, document: Document, lines: LineCounter) {
    this.#file = file
    this.#document = document
    this.#lines = lines
  }

  at(offset: number, path: string, code: Code, message: string, fix?: string): void {
    const { line, col } = this.#lines.linePos(offset)
    const place = { file: this.#file, line: Math.max(1, line), column: Math.max(1, col), length: 1 }
    this.problems.push({ code, severity: "error", path, place, message, ...(fix ? { fix } : {}) })
  }

  #refuse(place: Place, message: string, fix?: string, code: Code = "G008"): undefined {
    this.at(this.#offset(place), printPlace(place), code, message, fix)
    return undefined
  }

  #offset(place: Place): number {
    for (let n = place.length; n >= 0; n--) {
      const node = n === 0 ? this.#document.contents : this.#document.getIn(place.slice(0, n), true)
      if (isNode(node) && node.range) return node.range[0]
    }
    return 0
  }

  /** Where the key of a mapping stands, for problems about the key. */
  #refuseKey(place: Place, message: string, fix?: string): void {
    const parent = this.#document.getIn(place.slice(0, -1), true) ?? this.#document.contents
    const pair = isMap(parent)
      ? parent.items.find((p) => isNode(p.key) && String(p.key) === String(place.at(-1)))
      : undefined
    const offset = pair !== undefined && isNode(pair.key) && pair.key.range ? pair.key.range[0] : this.#offset(place)
    this.at(offset, printPlace(place), "G002", message, fix)
  }

  #known(data: Data, place: Place, keys: readonly string[], what: string): void {
    for (const key of Object.keys(data)) {
      if (keys.includes(key)) continue
      const near = nearest(key, keys)
      this.#refuseKey(
        [...place, key],
        `${what} has no key "${key}". Known: ${keys.join(", ")}.`,
        near && `Write ${near}:`,
      )
    }
  }

  file_(data: unknown): TestFile | undefined {
    if (!isData(data)) return this.#refuse([], "A test file is a mapping with `cases`.")
    this.#known(data, [], FILE_KEYS, "A test file")
    const { graph, cases } = data
    if (graph !== undefined && typeof graph !== "string") this.#refuse(["graph"], "`graph` names a graph file.")
    if (!Array.isArray(cases) || cases.length === 0) return this.#refuse(["cases"], "`cases` is a list of cases.")
    return {
      file: this.#file,
      ...(typeof graph === "string" ? { graph } : {}),
      cases: cases.map((c, i) => this.#case(c, ["cases", i], i)).filter((c) => c !== undefined),
      document: this.#document,
    }
  }

  #case(data: unknown, place: Place, i: number): Case | undefined {
    if (!isData(data)) return this.#refuse(place, "A case is a mapping.")
    this.#known(data, place, CASE_KEYS, "A case")
    const { name, input, tools, faults, output, failure, effects, check } = data
    if (name !== undefined && typeof name !== "string") this.#refuse([...place, "name"], "`name` is a text.")
    if (input !== undefined && !isData(input)) this.#refuse([...place, "input"], "`input` is a mapping.")
    if ("output" in data && "failure" in data)
      this.#refuse([...place, "failure"], "A case ends in an `output` or in a `failure`, not in both.")
    const said = this.#failure(failure, [...place, "failure"])
    const calls = this.#calls(effects, [...place, "effects"])
    return {
      name: typeof name === "string" ? name : `case ${i + 1}`,
      line: this.#lines.linePos(this.#offset(place)).line,
      input: (isData(input) ? input : {}) as Rec,
      tools: this.#each(tools, [...place, "tools"], (x, at) => this.#answer(x, at)),
      faults: this.#each(faults, [...place, "faults"], (x, at) => this.#fault(x, at)),
      ...("output" in data ? { output: { value: output as Value } } : {}),
      ...(said === undefined ? {} : { failure: said }),
      ...(calls === undefined ? {} : { effects: calls }),
      checks: this.#checks(check, [...place, "check"]),
    }
  }

  #each<A>(data: unknown, place: Place, read: (x: unknown, place: Place) => A | undefined): ReadonlyMap<string, A> {
    const out = new Map<string, A>()
    if (data === undefined || data === null) return out
    if (!isData(data)) {
      this.#refuse(place, `\`${place.at(-1)}\` is a mapping from nodes or tools.`)
      return out
    }
    for (const [key, x] of Object.entries(data)) {
      const value = read(x, [...place, key])
      if (value !== undefined) out.set(key, value)
    }
    return out
  }

  #answer(data: unknown, place: Place): Answer | undefined {
    const only = isData(data) && Object.keys(data).length === 1 ? Object.keys(data)[0]! : ""
    if (!isData(data) || !only.startsWith("$")) return { kind: "value", value: data as Value }
    const inner = data[only]
    if (only === "$value") return { kind: "value", value: inner as Value }
    if (only === "$each" && Array.isArray(inner)) return { kind: "each", values: inner as Value[] }
    if (only === "$expr" && typeof inner === "string") {
      const expr = this.#expr(inner, [...place, only])
      return expr === undefined ? undefined : { kind: "expr", expr }
    }
    return this.#refuse(
      place,
      `"${only}" is no way to answer.`,
      "Write a value, { $each: [first, second] }, { $expr: 'args.x + 1' } or { $value: … }.",
    )
  }

  #expr(text: string, place: Place): Expr | undefined {
    const read = parseCel(text)
    if ("expr" in read) return read.expr
    return this.#refuse(
      place,
      read.problems[0]?.message ?? "The expression cannot be read.",
      read.problems[0]?.fix,
      "G103",
    )
  }

  #fault(data: unknown, place: Place): Fault | undefined {
    if (typeof data === "string") return this.#faultWord(data, place)
    if (!isData(data))
      return this.#refuse(
        place,
        "A fault is a mapping, `timeout`, or `die`.",
        "Write { fail: HttpStatus, data: { status: 503 } }.",
      )
    this.#known(data, place, FAULT_KEYS, "A fault")
    const { fail, message, delay, times, retryable, undelivered } = data
    let delayMs: number | undefined
    if (delay !== undefined) {
      const read = parseDuration(String(delay))
      if ("value" in read) delayMs = read.value
      else this.#refuse([...place, "delay"], `"${String(delay)}" is no time.`, "Write 200ms or 2s.")
    }
    if (fail !== undefined && (typeof fail !== "string" || !/^[A-Z]\w*$/.test(fail))) {
      return this.#refuse([...place, "fail"], "`fail` is the code of a failure, such as HttpStatus.")
    }
    if (times !== undefined && !(Number.isInteger(times) && (times as number) > 0)) {
      return this.#refuse([...place, "times"], "`times` is a whole number, 1 or more.")
    }
    if (fail === undefined && delay === undefined && data["timeout"] !== true && data["die"] !== true) {
      return this.#refuse(place, "Nothing goes wrong here.", "Write fail:, delay:, timeout: true or die: true.")
    }
    return {
      ...(fail === undefined
        ? {}
        : {
            fail: {
              code: fail as string,
              ...(typeof message === "string" ? { message } : {}),
              ...("data" in data ? { data: data["data"] as Value } : {}),
              retryable: retryable !== false,
              undelivered: undelivered === true,
            },
          }),
      ...(delayMs === undefined ? {} : { delayMs }),
      ...(data["timeout"] === true ? { hang: true } : {}),
      ...(data["die"] === true ? { die: true } : {}),
      times: (times as number | undefined) ?? Number.POSITIVE_INFINITY,
    }
  }

  #faultWord(word: string, place: Place): Fault | undefined {
    const times = Number.POSITIVE_INFINITY
    if (word === "timeout") return { hang: true, times }
    if (word === "die") return { die: true, times }
    return this.#refuse(place, `"${word}" is no fault.`, "Write timeout, die, or { fail: Code }.")
  }

  #failure(data: unknown, place: Place): Case["failure"] {
    if (data === undefined) return undefined
    if (typeof data === "string") return { code: data }
    if (!isData(data) || typeof data["code"] !== "string")
      return this.#refuse(place, "`failure` is a code, or { code, at, data }.")
    this.#known(data, place, ["code", "at", "data"], "A failure")
    return {
      code: data["code"],
      ...(typeof data["at"] === "string" ? { at: data["at"] } : {}),
      ...("data" in data ? { data: data["data"] as Value } : {}),
    }
  }

  #calls(data: unknown, place: Place): readonly ExpectedCall[] | undefined {
    if (data === undefined) return undefined
    if (!Array.isArray(data)) return this.#refuse(place, "`effects` is a list: a node's name, or { name: arguments }.")
    return data.flatMap((x, i) => {
      if (typeof x === "string") return [{ key: x }]
      const [key, ...more] = isData(x) ? Object.keys(x) : []
      if (key !== undefined && more.length === 0) return [{ key, args: (x as Data)[key] as Value }]
      this.#refuse([...place, i], "A call is a node's name, or { name: arguments }.")
      return []
    })
  }

  #checks(data: unknown, place: Place): Case["checks"] {
    if (data === undefined) return []
    const texts = Array.isArray(data) ? data : [data]
    return texts.flatMap((text, i) => {
      if (typeof text !== "string") {
        this.#refuse([...place, i], "`check` is an expression over `output` and `input`.")
        return []
      }
      const expr = this.#expr(text, Array.isArray(data) ? [...place, i] : place)
      return expr === undefined ? [] : [{ text, expr }]
    })
  }
}

const printPlace = (place: Place): string =>
  place
    .map((p) => (typeof p === "number" ? `[${p}]` : `.${p}`))
    .join("")
    .replace(/^\./, "")
