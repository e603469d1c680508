// The tools of the campaign: node kinds that ask a server of this machine, and the graphs that call them. `fetched` reads,
// `put` writes under an idempotency key, `post` writes without one; both writes say who they are, so that the server can count.
// Of three runs one fails in the end and takes back what it did.
import { compile } from "../../compile/mod.ts"
import { checkFile } from "../../graph/file/mod.ts"
import {
  fail,
  type NodeKind,
  type Rec,
  type Registry,
  registry,
  type Signature,
  T,
  type Value,
} from "../../graph/mod.ts"
import { standardKinds } from "../../nodes/mod.ts"

const kind = (name: string, effect: "read" | "write", keyed: boolean, server: string): NodeKind => ({
  kind: name,
  about: "A tool of the campaign.",
  main: { form: "text", type: T.string, required: true, about: "Which call this is, unique in a run." },
  fields: { amount: { form: "cel", type: T.number, required: true, about: "A number to send." } },
  takesWith: false,
  sign: (): Signature => ({
    effect,
    resource: `server/${name}`,
    needs: [`app:${name}`],
    input: T.record({ [name]: T.string, amount: T.number }),
    output: T.number,
    keyed,
  }),
  open: () => ({
    execute: async (args: Value, call) => {
      const { amount, [name]: at } = args as Rec
      const response = await fetch(`${server}/${name}`, {
        method: "POST",
        headers: { "content-type": "application/json", "idempotency-key": call.key },
        body: JSON.stringify({ at, amount }),
        signal: call.signal,
      }).catch((cause: unknown) => {
        throw fail("ToolDied", String(cause), { cause })
      })
      if (response.status === 410) throw fail("Gone", "there is no such thing")
      return ((await response.json()) as { readonly value: number }).value
    },
  }),
})

export const kinds = (server: string): Registry =>
  registry(
    ...standardKinds.values(),
    kind("fetched", "read", false, server),
    kind("put", "write", true, server),
    kind("post", "write", false, server),
  )

export const GRANTS = ["app:fetched", "app:put", "app:post"]

const ORDERS = `
graph: orders
input: { id: string, n: number }
nodes:
  price: { fetched: "\${ input.id }/price", amount: input.n }
  gone:
    fetched: "\${ input.id }/gone"
    amount: price
    catch: { expr: "1" }
  paid: { put: "\${ input.id }/paid", amount: price + gone }
  mail: { post: "\${ input.id }/mail", amount: paid }
  lines:
    map: "[1, 2, 3, 4]"
    after: [paid]
    as: line
    parallel: 2
    do:
      nodes:
        cost: { fetched: "\${ input.id }/cost/\${ line }", amount: line }
        kept: { put: "\${ input.id }/line/\${ line }", amount: cost }
      output: kept + cost
  rounds:
    loop: { i: 0, sum: 0 }
    after: [mail]
    as: s
    while: s.i < 3
    do:
      nodes:
        seen: { post: "\${ input.id }/round/\${ s.i }", amount: s.sum }
      output: { i: s.i + 1, sum: s.sum + seen }
    max: 10
output: { mail: mail, lines: lines.sum(), rounds: rounds.sum }
`

const TRIP = `
graph: trip
on_failure: undo
input: { id: string, n: number }
nodes:
  flight:
    put: "\${ input.id }/flight"
    amount: input.n
    undo: { post: "\${ args.put }/undo", amount: out }
  seats:
    map: "[1, 2]"
    after: flight
    as: seat
    do:
      post: "\${ input.id }/seat/\${ seat }"
      amount: seat + flight
      undo: { put: "\${ args.post }/undo", amount: out }
  full: { fetched: "\${ input.id }/gone", amount: 1, after: seats }
output: full
`

/** Does the run of this number fail in the end, and take back what it did? */
export const isUndone = (run: string): boolean => Number(run.slice(1)) % 3 === 2

const DONE = ["paid", "mail", "line/1", "line/2", "line/3", "line/4", "round/0", "round/1", "round/2"]
const DONE_AND_UNDONE = ["flight", "seat/1", "seat/2", "seat/2/undo", "seat/1/undo", "flight/undo"]
/** Writes of a run, by the name that the server knows them by; of one that is undone in the order in which they arrive. */
export const writesOf = (run: string): readonly string[] => (isUndone(run) ? DONE_AND_UNDONE : DONE)

/** The plan of an order, or of a trip that is undone. */
export function plan(server: string, graph: "orders" | "trip"): Uint8Array {
  const file = { file: `${graph}.graph.yaml`, text: graph === "trip" ? TRIP : ORDERS }
  const { checked, problems } = checkFile(file, { registry: kinds(server) })
  if (checked === undefined) throw new TypeError(problems.map((p) => `${p.code} ${p.message}`).join("\n"))
  return compile(checked).bytes
}
