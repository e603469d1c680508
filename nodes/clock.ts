/**
 * The node kinds `now` and `random`: time and chance as reads of the world. As nodes they are recorded like every other
 * read, so a replay sees the same moment and the same dice; that is why expressions have neither.
 */
import { hex, type NodeKind, type Signature, T, type Value } from "../graph/mod.ts"

const reading = (resource: "time" | "chance", output: Signature["output"]): Signature => ({
  effect: "read",
  resource,
  needs: [],
  input: T.record({}),
  output,
  async: false,
  origin: "none",
})

export const now: NodeKind = {
  kind: "now",
  about: "The time when the node runs.",
  main: {
    form: "static",
    type: T.enum("iso", "ms"),
    required: true,
    about: "`iso`: text as in 2026-07-28T12:00:00.000Z. `ms`: milliseconds since 1970.",
  },
  fields: {},
  takesWith: false,
  sign: (node) => reading("time", node.config["now"] === "ms" ? T.number : T.string),
  open: (config, _resources, { clock }) => ({
    execute: () => (config["now"] === "ms" ? clock.now() : new Date(clock.now()).toISOString()),
  }),
}

export const random: NodeKind = {
  kind: "random",
  about: "A random number or a fresh identifier.",
  main: {
    form: "static",
    type: T.enum("number", "integer", "uuid"),
    required: true,
    about: "`number`: in [0, 1). `integer`: from 0 up to `below`. `uuid`: a version 4 UUID.",
  },
  fields: {
    below: { form: "static", type: T.number, about: "For `integer`: the first whole number that never comes up." },
  },
  takesWith: false,
  sign: ({ config }) => {
    const { random: what, below } = config
    const whole = typeof below === "number" && Number.isSafeInteger(below) && below >= 1
    if (what === "integer" && !whole) {
      return [
        {
          code: below === undefined ? "G005" : "G207",
          key: below === undefined ? "random" : "below",
          message: `\`random: integer\` wants \`below:\`, a whole number from 1 up${below === undefined ? "" : `, found ${below}`}.`,
          fix: "Write below: 6 for a number from 0 to 5.",
        },
      ]
    }
    if (what !== "integer" && below !== undefined) {
      return [{ code: "G207", key: "below", message: "`below:` belongs to `random: integer`." }]
    }
    return reading("chance", what === "uuid" ? T.string : T.number)
  },
  open: ({ random: what, below }, _resources, { chance }) => ({
    execute: (): Value => {
      if (what === "uuid") return uuid(chance.bytes(16))
      return what === "integer" ? Math.floor(chance.next() * (below as number)) : chance.next()
    },
  }),
}

/** RFC 9562, version 4: 122 random bits, 4 of version, 2 of variant. */
function uuid(bytes: Uint8Array): string {
  const b = bytes.slice(0, 16)
  b[6] = (b[6]! & 0x0f) | 0x40
  b[8] = (b[8]! & 0x3f) | 0x80
  const h = hex(b)
  return `${h.slice(0, 8)}-${h.slice(8, 12)}-${h.slice(12, 16)}-${h.slice(16, 20)}-${h.slice(20)}`
}
