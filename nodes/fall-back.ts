/**
 * A model with several servers: the first that answers does, and the others are asked only where those before them gave
 * nothing that could be used. Which one it was, and why the others were not, goes with the answer into the record.
 */
import { type Call, Failure, fail, type Http, type Rec, type Services, type Value } from "../graph/mod.ts"
import { type Completion, complete, completionOf, type Endpoint, valueOf } from "./chat.ts"

/** Failures that another server may not have. What a model refuses to say, and what a budget forbids, it is not asked for. */
const PASSED_ON: ReadonlySet<string> = new Set(["HttpStatus", "Unreachable", "ModelError", "BadAnswer", "NoSecret"])

/** The servers of one conversation: it stays with the one that answered. */
export class Servers {
  readonly #name: string
  readonly #endpoints: readonly Endpoint[]
  #at = 0

  /** @param endpoints At least one, the first to be asked first. */
  constructor(name: string, endpoints: readonly Endpoint[]) {
    this.#name = name
    this.#endpoints = endpoints
  }

  /** The model that answered last, as its server calls it; before that the first one. */
  get model(): string {
    return this.#endpoints[this.#at]!.model
  }

  /**
   * Asks once, with the failures of `complete`; where several servers failed, with that of the last. `keeps`: what was
   * answered, by whom, and why not by others is a part of the call on record, and is not asked for again.
   */
  async ask(
    body: Rec,
    keeps: boolean,
    stream: boolean,
    http: Http,
    services: Services,
    call: Call,
  ): Promise<Completion> {
    const work = () => this.#first(body, stream, http, services, call)
    if (call.part === undefined || !(keeps || this.#endpoints.length > 1)) return completionOf(await work())
    const kept = await call.part(body, work)
    this.#stayWith((kept as Rec)["by"])
    return completionOf(kept)
  }

  async #first(body: Rec, stream: boolean, http: Http, services: Services, call: Call): Promise<Value> {
    const not: Rec[] = []
    let again = false
    for (let n = this.#at; ; n++) {
      const endpoint = this.#endpoints[n]!
      try {
        const answer = valueOf(await complete(endpoint, body, stream, http, services, call)) as Rec
        this.#at = n
        return this.#endpoints.length === 1 ? answer : { ...answer, by: wordOf(endpoint), not }
      } catch (cause) {
        if (!(cause instanceof Failure) || !PASSED_ON.has(cause.code) || call.signal.aborted) throw cause
        again ||= cause.retryable === true
        not.push({ ...wordOf(endpoint), reason: cause.message })
        const next = this.#endpoints[n + 1]
        if (next === undefined) throw not.length === 1 ? cause : this.#none(not, cause, again)
        call.note(`\n${cause.message}; asks ${next.model} at ${next.host}\n`)
      }
    }
  }

  #none(not: readonly Rec[], last: Failure, retryable: boolean): Failure {
    const reasons = not.map(({ reason }) => String(reason)).join("; ")
    return fail(last.code, `No server of the model "${this.#name}" answered: ${reasons}`, {
      ...last,
      retryable,
      cause: last,
    })
  }

  #stayWith(by: Value | undefined): void {
    const word = JSON.stringify(by)
    const n = this.#endpoints.findIndex((e) => JSON.stringify(wordOf(e)) === word)
    if (n >= 0) this.#at = n
  }
}

const wordOf = ({ host, model }: Endpoint) => ({ host, model })
