/**
 * Runs inside a program of Effect that traces: their spans are made with the program's own tracer, below the span that the
 * run stands in, and go wherever that tracer sends its spans.
 */
import type { Context } from "effect/Context"
import * as Ctx from "effect/Context"
import * as Exit from "effect/Exit"
import * as Option from "effect/Option"
import * as Tracer from "effect/Tracer"
import type { Observer } from "../engine/observe.ts"
import { RunWatch } from "./run_watch.ts"
import type { Tracing } from "./span.ts"
import { type Place, writeTraceparent } from "./trace_context.ts"

/** The place of the span around an Effect, as a `traceparent`; undefined where there is none. */
export function traceparentIn(given: Context<never>): string | undefined {
  const span = parentIn(given)
  return span === undefined ? undefined : writeTraceparent(span)
}

/** Watches runs with the tracer of the program; undefined where nothing around it is traced. */
export function effectTracing(given: Context<never>): Observer | undefined {
  const parent = parentIn(given)
  if (parent === undefined || !parent.sampled) return undefined
  const tracer = Ctx.get(given, Tracer.Tracer)
  const spans = new Map<string, Tracer.Span>()
  const tracing: Tracing = ({ name, kind, at, parent: above }) => {
    const span = tracer.span({
      name,
      kind: above === undefined ? "internal" : kind,
      parent: Option.some((above && spans.get(above.spanId)) ?? parent),
      annotations: Ctx.empty(),
      links: [],
      startTime: nanos(at),
      root: false,
      sampled: true,
    })
    spans.set(span.spanId, span)
    return {
      place: { traceId: span.traceId, spanId: span.spanId, sampled: span.sampled },
      set: (attribute, value) => span.attribute(attribute, value),
      event: (word, when, attributes) => span.event(word, nanos(when), attributes),
      end: (when, error) => {
        spans.delete(span.spanId)
        span.end(nanos(when), error === undefined ? Exit.void : Exit.fail(error))
      },
    }
  }
  const place = { traceId: parent.traceId, from: { ...placeOf(parent) } }
  return {
    run: (begun) =>
      new RunWatch(begun, place, { tracing, metrics: undefined, nodes: true, propagates: true, onEnd: undefined }),
  }
}

const parentIn = (given: Context<never>): Tracer.AnySpan | undefined =>
  Option.getOrUndefined(Ctx.getOption(given, Tracer.ParentSpan))

const placeOf = ({ traceId, spanId, sampled }: Tracer.AnySpan): Place => ({ traceId, spanId, sampled })

const nanos = (ms: number): bigint => BigInt(Math.round(ms * 1000)) * 1000n
