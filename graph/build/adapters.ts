/**
 * `http`, `sql`, `mcp`, `ask` in TypeScript, each made of its node kind. What they add to `toolOf` is types: the
 * capability follows from the literal text of the request, so that a missing grant is a compile error that names it.
 */

import type { Failure } from "../failure.ts"
import type { NodeKind } from "../node.ts"
import { type Callable, type Declared, type KindOptions, type Resource, toolOf } from "./calls.ts"
import { refuse } from "./failure.ts"
import type { AnySchema, Capability, Fields, Given, Gives, In, Input, Node, NodeOptions, Ports, Tool } from "./types.ts"

/** A failure of an adapter as a typed error: the codes that it may have. */
export interface Failed<Code extends string> extends Failure {
  readonly code: Code
}
type HttpCode = "HttpStatus" | "Unreachable" | "Refused" | "TooLarge" | "NoSecret" | "Unavailable"
export type HttpError = Failed<HttpCode | "TooManyRedirects" | "BadBody">
export type SqlError = Failed<
  | "Locked"
  | "Constraint"
  | "ReadOnly"
  | "DiskFull"
  | "MissingFile"
  | "Corrupt"
  | "SqlError"
  | "NoRow"
  | "ManyRows"
  | "ManyColumns"
  | "Refused"
  | "Unavailable"
>
export type McpError = Failed<
  HttpCode | "ToolError" | "ToolDied" | "BadAnswer" | "Drift" | "UnknownTool" | "NoLogin" | "NoScope"
>
export type LlmError = Failed<
  HttpCode | "BadOutput" | "Truncated" | "Refusal" | "ToolRounds" | "BadAnswer" | "ModelError"
>
export type AskError = Failed<"NoPerson" | "NoAnswer" | "BadAnswer" | "Unavailable">

type Until<S extends string, D extends string> = S extends `${infer H}${D}${string}` ? H : S
type HostOf<S extends string> = S extends `${string}://${infer Rest}` ? Until<Until<Until<Rest, "/">, "?">, "#"> : never
/** `net:host` for the host that a request names. */
export type NetNeed<Q extends string> = `net:${Lowercase<HostOf<Q>>}`
const hostOf = (text: string): string => (/:\/\/([^/?#]*)/.exec(text)?.[1] ?? "").toLowerCase()

/** Who asks, by a named secret. */
export type Auth =
  | { readonly bearer: string }
  | { readonly basic: string; readonly user?: string }
  | { readonly header: string; readonly secret: string }
type SecretNeed<W> = W extends { readonly bearer: infer S extends string }
  ? S
  : W extends { readonly basic: infer S extends string }
    ? S
    : W extends { readonly secret: infer S extends string }
      ? S
      : W extends string
        ? W
        : never
const secretNeeds = (auth: unknown): readonly string[] => {
  if (typeof auth === "string") return [auth]
  if (typeof auth !== "object" || auth === null) return []
  const { bearer, basic, secret } = auth as {
    readonly bearer?: string
    readonly basic?: string
    readonly secret?: string
  }
  return [bearer ?? basic ?? secret].filter((s) => s !== undefined)
}

type Trimmed<S extends string> = S extends `${" " | "\n" | "\t"}${infer Rest}` ? Trimmed<Rest> : S
type FirstWord<S extends string> = Lowercase<Until<Until<Until<Trimmed<S>, " ">, "\n">, "\t">>
type DoesSql<Q extends string> = string extends Q
  ? "read" | "write"
  : FirstWord<Q> extends "select" | "values" | "with" | "explain"
    ? "read"
    : "write"
const READS = new Set(["select", "values", "with", "explain"])
const doesSql = (query: string): "read" | "write" =>
  READS.has(query.trim().split(/\s/)[0]!.toLowerCase()) ? "read" : "write"

/** No input at all. */
type None = Record<never, never>
interface Common<F extends Input, A, N extends string> {
  readonly input?: F
  readonly output?: Gives<A>
  /** Capabilities beyond those that the text says. */
  readonly needs?: readonly N[]
}
export interface HttpOptions<Q extends string, F extends Input, A, N extends string, W> extends Common<F, A, N> {
  /** Method and URL; `{name}` inserts an input field: `GET https://host/path?a={a}`. */
  readonly request: Q
  readonly auth?: W & Auth
  readonly parse?: "json" | "text" | "bytes"
  /** Gives { status, headers, body } instead of the body. */
  readonly full?: boolean
  readonly status?: readonly number[]
  readonly effect?: "read" | "write"
  /** The header in which the server takes an idempotency key. */
  readonly key_header?: string
  /** What the input fills beside the URL. */
  readonly fill?: (input: Ports<F>) => {
    readonly query?: unknown
    readonly headers?: unknown
    readonly body?: unknown
    readonly form?: unknown
  }
}
/** `http("rates", { request: "GET https://rates.example.com/latest", output: Rates })` */
export const httpOf =
  (kind: NodeKind) =>
  <const Q extends string, const F extends Input = None, A = unknown, const N extends string = never, const W = never>(
    id: string,
    options: HttpOptions<Q, F, A, N, W>,
  ): Tool<Given<F>, A, HttpError, Capability<NetNeed<Q> | SecretNeed<W> | N>> => {
    const { request, input, output, needs, fill, ...set } = options
    return toolOf(kind, id, {
      main: request,
      set,
      needs: [`net:${hostOf(request)}`, ...secretNeeds(set.auth), ...(needs ?? [])],
      ...(fill === undefined
        ? {}
        : { fill: fill as unknown as NonNullable<KindOptions<Fields, unknown, string>["fill"]> }),
      ...common(input, output),
    }) as never
  }

export interface SqlOptions<D extends string, Q extends string, F extends Input, A, N extends string>
  extends Common<F, A, N> {
  readonly database: Declared<"databases", D, unknown>
  /** One statement; values come in as `:name` parameters from the input. */
  readonly query: Q
  /** The only row instead of a list of rows. */
  readonly one?: boolean
  /** `write` for a statement that changes the schema. */
  readonly effect?: "write"
}
/** `sql("lines_of", { database: shop, query: "select … where id = :id", input: { id: v.string() }, output: v.array(Line) })` */
export const sqlOf =
  (kind: NodeKind) =>
  <
    const D extends string,
    const Q extends string,
    const F extends Input = None,
    A = unknown,
    const N extends string = never,
  >(
    id: string,
    options: SqlOptions<D, Q, F, A, N>,
  ): Tool<Given<F>, A, SqlError, Capability<`sql:${D}:${DoesSql<Q>}` | N>> => {
    const { database, input, output, needs, ...set } = options
    const effect = set.effect ?? doesSql(set.query)
    return toolOf(kind, id, {
      main: database.name,
      set,
      uses: [database],
      needs: [`sql:${database.name}:${effect}`, ...(needs ?? [])],
      ...common(input, output),
    }) as never
  }

type AuthNeed<W> = W extends "oauth" ? never : W extends { readonly oauth: string } ? OAuthNeed<W> : SecretNeed<W>
/** A client's secrets, and the authorization server where machines log in by themselves. */
type OAuthNeed<W> =
  | (W extends { readonly secret: infer S extends string } ? S : never)
  | (W extends { readonly oauth: "client_credentials"; readonly key: infer S extends string } ? S : never)
  | (W extends { readonly oauth: "client_credentials"; readonly issuer: infer U extends string } ? NetNeed<U> : never)
type ServerNeed<S> = S extends { readonly url: infer U extends string }
  ? NetNeed<U> | (S extends { readonly auth: infer W } ? AuthNeed<W> : never)
  : never
const authNeeds = (auth: unknown): readonly string[] => {
  if (auth === "oauth") return []
  if (typeof auth !== "object" || auth === null || !Object.hasOwn(auth, "oauth")) return secretNeeds(auth)
  const { oauth, secret, key, issuer } = auth as { readonly [key: string]: string | undefined }
  const machine = oauth === "client_credentials"
  return [
    secret,
    machine ? key : undefined,
    machine && issuer !== undefined ? `net:${hostOf(issuer)}` : undefined,
  ].filter((need) => need !== undefined)
}
export interface McpOptions<S extends string, D, Tl extends string, F extends Input, A, N extends string>
  extends Common<F, A, N> {
  readonly server: Declared<"servers", S, D>
  readonly tool: Tl
  /** Takes the answer's text, as it is or as JSON, instead of its structured content. */
  readonly parse?: "json" | "text"
  /** `read` where the tool changes nothing; the default is `write`. */
  readonly effect?: "read" | "write"
}
/** `mcp("read_text", { server: files, tool: "read_text_file", input: { path: v.string() }, output: v.string() })` */
export const mcpOf =
  (kind: NodeKind) =>
  <
    const S extends string,
    const D,
    const Tl extends string,
    const F extends Input = None,
    A = unknown,
    const N extends string = never,
  >(
    id: string,
    options: McpOptions<S, D, Tl, F, A, N>,
  ): Tool<Given<F>, A, McpError, Capability<`mcp:${S}/${Tl}` | ServerNeed<D> | N>> => {
    const { server, tool, input, output, needs, ...set } = options
    const { url, auth } = server.declaration as { readonly url?: unknown; readonly auth?: unknown }
    return toolOf(kind, id, {
      main: `${server.name}/${tool}`,
      set,
      uses: [server as Resource],
      needs: [
        `mcp:${server.name}/${tool}`,
        ...(typeof url === "string" ? [`net:${hostOf(url)}`, ...authNeeds(auth)] : []),
        ...(needs ?? []),
      ],
      ...common(input, output),
    }) as never
  }

/** Of a model with several servers: what each of them needs. */
type ModelNeed<D> = D extends readonly (infer One)[] ? ServersNeed<One> : ServersNeed<D>
type ServersNeed<D> =
  | (D extends { readonly url: infer U extends string } ? NetNeed<U> : never)
  | (D extends { readonly auth: infer W } ? SecretNeed<W> : never)
type ToolOf<C> = C extends { readonly id: string; readonly types: { readonly needs: infer R } }
  ? R
  : C extends { readonly call: { readonly types: { readonly needs: infer R } } }
    ? R
    : never
export interface LlmOptions<M extends string, D, F extends Input, A, N extends string, C> extends Common<F, A, N> {
  readonly model: Declared<"models", M, D>
  /** How the model is to behave; `{name}` inserts an input field. */
  readonly system?: string
  /** What is asked; `{name}` inserts an input field. */
  readonly prompt?: string
  /** What the input fills beside: a conversation so far, a prompt that is put together. */
  readonly fill?: (input: Ports<F>) => {
    readonly system?: unknown
    readonly prompt?: unknown
    readonly messages?: unknown
  }
  /** Tools and graphs that the model may call. */
  readonly tools?: C & { readonly [name: string]: Callable }
  readonly tool_rounds?: number
  readonly repairs?: number
  readonly temperature?: number
  readonly max_tokens?: number
  readonly seed?: number
  readonly usage?: boolean
  readonly stream?: boolean
}
/** `llm("summary", { model: small, prompt: "Summarise: {text}", input: { text: v.string() } })`: text, or a value of the output's type. */
export const llmOf =
  (kind: NodeKind) =>
  <
    const M extends string,
    const D,
    const F extends Input = None,
    A = string,
    const N extends string = never,
    C = Record<never, never>,
  >(
    id: string,
    options: LlmOptions<M, D, F, A, N, C>,
  ): Tool<Given<F>, A, LlmError, Capability<`model:${M}` | ModelNeed<D> | N> | ToolOf<C[keyof C]>> => {
    const { model, system, prompt, input, output, needs, fill, tools, ...set } = options
    const servers = [model.declaration].flat() as readonly { readonly url?: unknown; readonly auth?: unknown }[]
    return toolOf(kind, id, {
      main: model.name,
      set,
      texts: { system, prompt },
      uses: [model as Resource],
      needs: [
        `model:${model.name}`,
        ...servers.flatMap(({ url, auth }) => [
          ...(typeof url === "string" ? [`net:${hostOf(url)}`] : []),
          ...secretNeeds(auth),
        ]),
        ...(needs ?? []),
      ],
      ...(fill === undefined
        ? {}
        : { fill: fill as unknown as NonNullable<KindOptions<Fields, unknown, string>["fill"]> }),
      ...(tools === undefined ? {} : { tools: tools as { readonly [name: string]: Callable } }),
      ...common(input, output),
    }) as never
  }

/** `ask("approve", text\`Send ${amount}?\`, { choices: ["yes", "no"] })`: a person answers. */
export const askOf =
  (kind: NodeKind) =>
  <const C extends string = string, A = C>(
    name: string,
    question: In<string>,
    options: NodeOptions & { readonly choices?: readonly C[]; readonly answer?: Gives<A> } = {},
  ): Node<A, AskError, Capability<"ask:person">> => {
    const { choices, answer, ...rest } = options
    if (choices !== undefined && answer !== undefined)
      refuse("option", `Cannot ask "${name}" with choices and an answer's schema: leave one of them out`)
    const output = choices === undefined ? (answer as AnySchema | undefined) : undefined
    const tool = toolOf(kind, name, {
      main: "",
      set: choices === undefined ? {} : { choices },
      fill: () => ({ [kind.kind]: question }),
      needs: ["ask:person"],
      ...common(undefined, output),
    })
    return tool({}, rest) as never
  }

const common = (input: Input | undefined, output: unknown) => ({
  ...(input === undefined ? {} : { input: input as Fields }),
  ...(output === undefined ? {} : { output: output as Gives<unknown> }),
})
