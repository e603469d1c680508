/**
 * Who makes a request of the server: by its token, or everybody as one. What the caller may run, what narrows the grants,
 * whose places at work it takes, and what it may spend: one answer for every way that leads to a run.
 */
import type { Clock } from "../../graph/mod.ts"
import { Allowance } from "../../kernel/mod.ts"
import type { RunOptions } from "../engine/engine.ts"
import { Tenant } from "../engine/slots.ts"
import type { Holder, TokenError } from "./holder.ts"
import { type Answer, type ProblemKind, problemOf } from "./problems.ts"

export interface CallersOptions {
  /** On whose behalf a request is made: tenants share the places fairly, each has its own budget. Default: all are one. */
  readonly tenantOf?: (request: Request) => Tenant | undefined
  /** Who makes a request, by its token. Fails with `TokenError`. Left out, everybody may run what the server was granted. */
  readonly holderOf?: (request: Request) => Promise<Holder>
}

export interface Caller {
  readonly holder: Holder | undefined
  /** Whose places it takes. */
  readonly places: Tenant
  /** What narrows the grants of its runs. */
  readonly within: { readonly within?: readonly (readonly string[])[] }
  /** What its runs are made with. */
  readonly runs: Pick<RunOptions, "tenant" | "caller" | "traceparent">
  /** Is it for this graph? */
  readonly may: (graph: string) => boolean
}

export class Callers {
  readonly #options: CallersOptions
  readonly #clock: Clock
  readonly #everybody = new Tenant()
  readonly #anybody: Caller = { holder: undefined, places: this.#everybody, within: {}, runs: {}, may: () => true }
  readonly #holders = new WeakMap<Request, Holder>()
  /** Holders of tokens share the places fairly, each token as one; names come from the server's own file. */
  readonly #tenants = new Map<string, Tenant>()
  readonly #allowances = new Map<string, { readonly budget: Holder["budget"]; readonly allowance: Allowance }>()

  constructor(options: CallersOptions, clock: Clock) {
    this.#options = options
    this.#clock = clock
  }

  /** Finds out who asks, by what `as` says of them. Fails with `TokenError`. */
  async admit(request: Request, as = request): Promise<void> {
    const holder = await this.#options.holderOf?.(as)
    if (holder !== undefined) this.#holders.set(request, holder)
  }

  /** Whose request it is; `admit` came before. */
  of(request: Request): Caller {
    const { holderOf, tenantOf } = this.#options
    const traceparent = request.headers.get("traceparent")
    if (holderOf === undefined && tenantOf === undefined && traceparent === null) return this.#anybody
    const holder = this.#holders.get(request)
    const tenant = this.#options.tenantOf?.(request)
    const caller = this.#allowanceOf(holder)
    return {
      holder,
      places: tenant ?? this.named(holder?.name),
      within: holder === undefined ? {} : { within: [holder.grants] },
      runs: { ...(tenant ? { tenant } : {}), ...(caller ? { caller } : {}), ...(traceparent ? { traceparent } : {}) },
      may: (graph) => holder?.graphs?.includes(graph) !== false,
    }
  }

  /** The tenant of that name; without one, everybody. */
  named(name: string | undefined): Tenant {
    if (name === undefined) return this.#everybody
    const known = this.#tenants.get(name) ?? new Tenant()
    this.#tenants.set(name, known)
    return known
  }

  /** What a token's holder may spend, of which no new one is made while its budget is the same. */
  #allowanceOf(holder: Holder | undefined): Allowance | undefined {
    const { name, budget } = holder ?? {}
    if (name === undefined || budget === undefined) return undefined
    const known = this.#allowances.get(name)
    const same = known !== undefined && JSON.stringify(known.budget) === JSON.stringify(budget)
    if (same) return known.allowance
    const allowance = new Allowance(budget.budget, budget.windowMs, this.#clock)
    this.#allowances.set(name, { budget, allowance })
    return allowance
  }
}

/** Why a request without a right token is not answered. `also`: a further challenge. */
export function barred(
  { reason, message, cause }: TokenError,
  onDefect: ((cause: unknown) => void) | undefined,
  also = "",
): Answer {
  if (!reason.startsWith("token-")) {
    onDefect?.(cause ?? message)
    return problemOf("tokens-unreadable", "The server cannot tell who may run its graphs.")
  }
  const error = reason === "token-missing" ? "" : ', error="invalid_token"'
  return problemOf(
    reason as ProblemKind,
    message,
    {},
    { "www-authenticate": `Bearer realm="shadowgraph"${error}${also}` },
  )
}
