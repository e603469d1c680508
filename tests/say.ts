/** A tool that gives its argument, as a read, a write or pure work: for tests of what becomes of an answer. */
import { type NodeKind, T } from "../graph/mod.ts"

/** Gives its argument, later where it is a hundred or more. */
export const say: NodeKind = {
  kind: "say",
  about: "Gives its argument.",
  main: { form: "static", type: T.enum("pure", "read", "write"), required: true, about: "What it does." },
  fields: { n: { form: "cel", type: T.number, required: true, about: "What it gives." } },
  takesWith: false,
  sign: (node) => {
    const effect = node.config["say"] as "pure" | "read" | "write"
    return {
      effect,
      resource: effect === "pure" ? null : "voice",
      needs: [],
      input: T.record({ n: T.number }),
      output: T.number,
    }
  },
  open: () => ({
    execute: (args) => {
      const { n } = args as { n: number }
      return n >= 100 ? Promise.resolve(n) : n
    },
  }),
}
