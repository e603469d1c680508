/**
 * The node kinds `sleep` and `event`: a run waits for a moment, or for something that happens elsewhere. Where the host can,
 * the run rests meanwhile and costs nothing; a short sleep is slept where it stands.
 */
import {
  type Call,
  fail,
  isRecord,
  type NodeKind,
  Park,
  parseDuration,
  type Services,
  type Signature,
  type SignatureProblem,
  T,
  type Value,
} from "../graph/mod.ts"

/** Milliseconds that a run rather waits than rests: to rest it is written down and taken up again. */
const REST_MS = 60_000

export const sleep: NodeKind = {
  kind: "sleep",
  about: "Waits for a while, or until a moment; the run rests meanwhile.",
  main: {
    form: "text",
    type: T.string,
    required: true,
    about: "How long: 10s, 5m, 2h, 3d; or until when: 2026-07-28T12:00:00Z.",
  },
  fields: {},
  takesWith: false,
  sign: (): Signature => ({
    effect: "read",
    resource: "time",
    needs: [],
    input: T.record({ sleep: T.string }),
    output: T.null,
    origin: "none",
    waits: true,
  }),
  open: (_config, _resources, services) => ({
    execute: async (args: Value, call: Call) => {
      const until = momentOf(isRecord(args) ? String(args["sleep"]) : "", services.clock.now())
      const ms = until - services.clock.now()
      if (call.parks === true && ms >= REST_MS) return new Park("sleep", {}, until, { value: null })
      if (ms > 0) await services.clock.sleep(ms, call.signal)
      return null
    },
  }),
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)$/

/** When a wait is over, in milliseconds since the epoch. */
function momentOf(text: string, now: number): number {
  const words = text.trim()
  const at = ISO.test(words) ? Date.parse(words) : Number.NaN
  if (!Number.isNaN(at)) return at
  const read = parseDuration(words)
  if ("value" in read) return now + read.value
  throw fail("BadMoment", `Cannot sleep ${JSON.stringify(text)}: it is neither a duration nor a moment with its zone`, {
    data: { found: text },
    undelivered: true,
  })
}

export const event: NodeKind = {
  kind: "event",
  about: "Waits until something happens elsewhere and somebody says so; the run rests meanwhile.",
  main: { form: "text", type: T.string, required: true, about: "The event's name: paid/${ input.order }." },
  fields: {
    within: { form: "duration", about: "How long to wait; then the node gives `default:`, or fails with Timeout." },
    default: { form: "static", type: T.unknown, about: "What the node gives when nobody says anything in time." },
  },
  takesWith: false,
  sign: (node): Signature | readonly SignatureProblem[] => {
    const problems: SignatureProblem[] = []
    if (node.config["default"] !== undefined && node.config["within"] === undefined) {
      problems.push({
        code: "G207",
        key: "default",
        message: "`default:` is for when the time is up, and no time is said.",
        fix: "Write within: 3d.",
      })
    }
    if (problems.length > 0) return problems
    return {
      effect: "read",
      resource: "events",
      needs: [],
      input: T.record({ event: T.string }),
      output: node.output ?? T.unknown,
      waits: true,
    }
  },
  open: (config, _resources, services: Services) => ({
    execute: (args: Value, call: Call) => {
      const name = isRecord(args) ? String(args["event"]) : ""
      const { within } = config
      if (call.parks !== true) {
        throw fail(
          "CannotRest",
          `Cannot wait for the event ${JSON.stringify(name)}: this run cannot rest and go on another day`,
          {
            undelivered: true,
          },
        )
      }
      const until = typeof within === "number" ? services.clock.now() + within : null
      const late = fail("Timeout", `The event ${JSON.stringify(name)} did not come in time`, { data: { event: name } })
      return new Park(
        "event",
        { event: name },
        until,
        config["default"] === undefined ? late : { value: config["default"] },
      )
    },
  }),
}
