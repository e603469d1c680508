/**
 * The types of the TypeScript surface: ports, nodes, calls, graphs, capabilities. Everything is inferred from schemas
 * and from what a body yields; errors and capabilities travel in a tiny yielded type, so that a graph of a thousand
 * nodes is checked in time that grows with its nodes. Nothing here exists when a graph runs.
 */
import type { Effect as Program } from "effect/Effect"
import type * as Ir from "../ir.ts"
import type { Call as ToolCall } from "../node.ts"

export type { ToolCall }

import type { Tensor } from "../value.ts"

// ---- schemas: any Standard Schema; the fields of a graph or tool are a record of them, or one schema

/** The part of a Standard Schema (standardschema.dev) that is used here. */
export interface Schema<I, A> {
  readonly "~standard": {
    readonly version: 1
    readonly vendor: string
    // biome-ignore lint/suspicious/noExplicitAny: libraries type their results in ways that only `any` joins
    readonly validate: (value: unknown, ...rest: any[]) => any
    readonly types?: { readonly input: I; readonly output: A } | undefined
  }
}
// biome-ignore lint/suspicious/noExplicitAny: stands for every schema
export type AnySchema = Schema<any, any>
/** A schema of the values that come out, whatever it takes. */
// biome-ignore lint/suspicious/noExplicitAny: as above
export type Gives<A> = Schema<any, A>
export type Fields = { readonly [name: string]: AnySchema }
export type Input = AnySchema | Fields

type Flat<T> = { [K in keyof T]: T[K] } & {}
type OptKey<T> = { [K in keyof T]: undefined extends T[K] ? K : never }[keyof T]
type Opt<T> = Flat<{ [K in Exclude<keyof T, OptKey<T>>]: T[K] } & { [K in OptKey<T>]?: Exclude<T[K], undefined> }>

/** What a caller gives: before defaults. */
export type Given<F extends Input> = F extends { readonly "~standard": unknown }
  ? F extends Schema<infer I, unknown>
    ? I
    : never
  : Opt<{ -readonly [K in keyof F]: F[K] extends Schema<infer I, unknown> ? I : never }>
/** What arrives: after defaults. */
export type Taken<F extends Input> = F extends { readonly "~standard": unknown }
  ? F extends Schema<unknown, infer A>
    ? A
    : never
  : Opt<{ -readonly [K in keyof F]: F[K] extends Schema<unknown, infer A> ? A : never }>

// ---- ports: a value that will exist when the graph runs

declare const value: unique symbol
/** `then` is a trap: it makes `if (port)` a compile error (TS2801), and `await port` meaningless. */
export interface Port<out A> {
  readonly [value]: A
  then(use: (none: { readonly "a port has no value until the graph runs": never }) => void): never
}
export type Scalar = string | number | bigint | boolean | null | undefined | Uint8Array | Tensor
/** A port with typed access to what is inside: `.field` of a record, `.at(i)` and `.length` of a list, `.at(key)` of a map. */
export type PortOf<A> = Port<A> & Access<NonNullable<A>, Extract<A, null | undefined>>
type Access<A, None> = [A] extends [Scalar]
  ? unknown
  : [A] extends [readonly (infer X)[]]
    ? { at(index: In<number>): PortOf<X | undefined>; readonly length: PortOf<number | None> }
    : [A] extends [AsyncIterable<unknown>]
      ? unknown
      : string extends keyof A
        ? { at(key: In<string>): PortOf<A[keyof A] | undefined>; readonly length: PortOf<number | None> }
        : { readonly [K in keyof A]-?: PortOf<A[K] | None> }
/** Wherever a value is wanted, a port of it or a mixture of values and ports will do. */
export type In<A> =
  | Port<A>
  | (A extends Scalar
      ? A
      : A extends readonly (infer X)[]
        ? readonly In<X>[]
        : A extends AsyncIterable<unknown>
          ? never
          : { readonly [K in keyof A]: In<A[K]> })
/** The value that a mixture of values and ports becomes. */
export type ValueOf<T> =
  T extends Port<infer A> ? A : T extends Scalar ? T : { -readonly [K in keyof T]: ValueOf<T[K]> }
/** The ports of a graph's or a `then` function's input. */
export type Ports<F extends Input> = F extends { readonly "~standard": unknown }
  ? PortOf<Taken<F>>
  : { readonly [K in keyof Taken<F>]-?: PortOf<Taken<F>[K]> } & Port<Taken<F>>

// ---- nodes: `yield*` adds one and gives its port

declare const step: unique symbol
export interface Step<out E, out R> {
  readonly [step]: [E, R]
}
export interface Node<A, E = never, R = never> {
  // biome-ignore lint/suspicious/noExplicitAny: what a generator is resumed with is given by the builder
  [Symbol.iterator](): Iterator<Step<E, R>, PortOf<A>, any>
}
// biome-ignore lint/suspicious/noExplicitAny: as above
type Run<S, T> = { [Symbol.iterator](): Iterator<S, T, any> }
type AnyStep = Step<unknown, unknown>
type Out = Port<unknown> | Scalar | readonly unknown[] | { readonly [field: string]: unknown }
/** A generator, one node, or plain values and ports, nested. (One level deep: a recursive type here is TS2589.) */
export type Body = Run<AnyStep, Out> | Out
type Yields<B> = B extends readonly unknown[] | string | Port<unknown>
  ? never
  : B extends Run<infer S, unknown>
    ? S
    : never
/** The value of a body. */
export type BodyA<B> = B extends readonly unknown[] | string | Port<unknown>
  ? ValueOf<B>
  : B extends Run<AnyStep, infer T>
    ? ValueOf<T>
    : ValueOf<B>
/** The errors of a body. */
export type BodyE<B> = Yields<B> extends infer S ? (S extends Step<infer E, unknown> ? E : never) : never
/** The capabilities and services that a body needs. */
export type BodyR<B> = Yields<B> extends infer S ? (S extends Step<unknown, infer R> ? R : never) : never

// ---- graphs and tools are both calls

/** A function from ports (or values, mixed at any depth) to a node. */
export type Call<I, A, E = never, R = never> = (input: In<I>, options?: NodeOptions) => Node<A, E, R>

export interface Tool<I, A, E = never, R = never> extends Call<I, A, E, R> {
  readonly id: string
  readonly types: { readonly input: I; readonly output: A; readonly error: E; readonly needs: R }
}

export interface Graph<I, A, E = never, R = never> extends Tool<I, A, E, R> {
  /** The graph as data: what a graph file would become. */
  readonly ir: Ir.Graph
  /** The closures that its `fn` nodes name, by `config.code`. */
  readonly code: ReadonlyMap<string, FnBinding>
  /** Puts defaults in and runs the validators of the input's schemas. Throws a `Failure` (`Mismatch`). */
  readonly accept: (input: unknown) => unknown
}

/** The code of one inline `fn`: validators of its schemas are already around it. It may return a value, a promise or an Effect. */
export interface FnBinding {
  readonly call: (input: never, call: ToolCall) => unknown
  readonly async: boolean
}

export type Duration = `${number}${"ms" | "s" | "m" | "h" | "d"}`
export interface NodeOptions {
  /** What the step is for, in a sentence. */
  readonly about?: string
  /** The node's name; needed for the second call of one tool in a scope. */
  readonly name?: string
  /** How long one attempt may take. */
  readonly timeout?: Duration
  /** Attempts after the first one. */
  readonly retry?: number | { readonly times: number; readonly delay?: Duration; readonly delayMax?: Duration }
  /** How long an outcome may be used again for the same input. */
  readonly cache?: Duration
  readonly speculate?: boolean
  /** What holds of every answer that counts, in CEL over `out`, the answer, and `args`, the arguments: `"out.total >= 0"`. */
  readonly valid?: string
  readonly shadow?: { readonly error: `${number}%` }
  /** Nodes whose effects come first, beyond what the order of the yields says. */
  readonly after?: readonly (Port<unknown> | string)[]
}

// ---- capabilities

declare const capability: unique symbol
/** Nominal, covariant in a string: `Exclude<R, granted>` understands containment and wildcards. */
export interface Capability<out Name extends string> {
  readonly [capability]: Name
}
/** The capability of a name, or of each of several; none where there is no name. */
export type Needs<N extends string> = [N] extends [never] ? never : Capability<N>
/**
 * The names that a grant's pattern covers: itself, what is below it, and what a `*` stands for. A little more than
 * `covers` of `capability.ts` takes: text in a type has no rule for what a `*` stands for; admission has the last word.
 */
export type Covers<P extends string> = P extends `${infer H}*${infer T}`
  ? Below<`${H}${string}${T}`>
  : P extends `fs:${infer M}:/`
    ? `fs:${M}:/${string}`
    : Below<P>
type Below<P extends string> = P | `${P}:${string}` | `${P}/${string}`

/** What a text in a grant must look like to the compiler; the whole grammar is `parseCapability`'s. */
interface NotCapability<P extends string, Wanted extends string> {
  readonly "is no capability": P
  readonly wanted: Wanted
}
/** `unknown` where a literal may be a capability, or where it is known only when it runs; a type that nothing fits where not. */
export type WellFormed<P extends string> = string extends P
  ? unknown
  : P extends
        | `${string} ${string}`
        | `${string}\\${string}`
        | `${string}/../${string}`
        | `${string}/..`
        | `${string}//${string}`
    ? NotCapability<P, "no space, backslash, .. or //">
    : P extends `net:${infer H}`
      ? HostPart<H> extends Lowercase<HostPart<H>>
        ? unknown
        : NotCapability<P, "a host in lower case">
      : P extends `fs:${infer F}`
        ? F extends `${"read" | "write"}:${"/" | "." | `/${string}` | `./${string}`}`
          ? unknown
          : NotCapability<P, "fs:read:/dir or fs:write:./dir">
        : P extends `sql:${string}:${infer M}`
          ? M extends "read" | "write"
            ? unknown
            : NotCapability<P, "sql:database:read or :write">
          : P extends Lowercase<P> | `${Lowercase<string>}:${string}`
            ? unknown
            : NotCapability<P, "a scheme in lower case">
/** Each of a list of literals, as a list of its own: one that is wrong is told by itself. */
export type WellFormedEach<P extends readonly string[]> = { readonly [K in keyof P]: P[K] & WellFormed<P[K]> }
type HostPart<H extends string> = H extends `${infer A}/${string}` ? A : H
/** `unknown` where everything that the inside needs is covered. */
export type HandsOn<R, P extends string> = [Extract<R, Capability<string>>] extends [Capability<Covers<P>>]
  ? unknown
  : { readonly "inside, more is needed than is handed on": Exclude<R, Capability<Covers<P>>> }

// ---- what the body of a tool may be

/** Input of a tool's function. */
export type ToolInput<F extends Input> = Taken<F>
// biome-ignore lint/suspicious/noExplicitAny: errors and services are inferred from the value given
export type Answer<O> = O | Promise<O> | Program<O, any, any>
export type AnswerE<X> = X extends Program<unknown, infer E, unknown> ? E : never
export type AnswerR<X> = X extends Program<unknown, unknown, infer R> ? R : never

// ---- running: implemented by `deploy`, typed here

/** A run ends in a value: a graph that gives a stream ends in the list of its items. */
export type Finished<A> = A extends AsyncIterable<infer X> ? readonly X[] : A

/** `run(graph, input)`: the graph's value, its errors or one of the engine's own, and what is still to be granted. */
export type RunFn<RunError = never> = <I, A, E, R>(
  graph: Graph<I, A, E, R>,
  input: NoInfer<I>,
) => Program<Finished<A>, E | RunError, R>
