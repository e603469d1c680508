/**
 * Plans that come over HTTP: `POST /plans` and `DELETE /plans/<name>`. Who brings one holds a token with `serve:upload`, which
 * the server was granted too; the plan is admitted like any other, and nobody runs it with more than whoever brought it has.
 */
import { coverage, printPath } from "../../graph/mod.ts"
import { AdmissionError } from "../../kernel/mod.ts"
import { bytesOf } from "./body.ts"
import type { Caller } from "./callers.ts"
import type { Served } from "./catalogue.ts"
import type { Holder } from "./holder.ts"
import type { Means, Way } from "./means.ts"
import { Answer, problemOf } from "./problems.ts"

const UPLOAD = "serve:upload"

/** Where plans that were uploaded are admitted and kept. */
export interface Shelf {
  /** What the server was granted. */
  readonly grants: readonly string[]
  /** Admits the bytes of a plan for whoever brings it. Fails with `AdmissionError`. */
  readonly admit: (bytes: Uint8Array, holder: Pick<Holder, "name" | "grants">) => Promise<Served>
  /** Keeps it beyond this process. */
  readonly keep: (name: string, bytes: Uint8Array, holder: Pick<Holder, "name" | "grants">) => Promise<void>
  readonly forget: (name: string) => Promise<void>
  readonly plansMax: number
  readonly planBytesMax: number
}

/** Adds the routes. */
export const uploadsWay =
  (shelf: Shelf): Way =>
  (app, means) => {
    const may = coverage(shelf.grants)(UPLOAD)
    app.use("/plans", means.admit)
    app.use("/plans/*", means.admit)
    app.post("/plans", async (c) => {
      const holder = bringer(means.callerOf(c), may)
      return (holder instanceof Answer ? holder : await brought(c.req.raw, holder, shelf, means)).response()
    })
    app.delete("/plans/:name", async (c) => {
      const holder = bringer(means.callerOf(c), may)
      if (holder instanceof Answer) return holder.response()
      const name = c.req.param("name")
      const graph = means.catalogue.get(name)
      if (graph === undefined || graph.uploadedBy !== holder.name)
        return problemOf("unknown-graph", `There is no plan "${name}" that this token brought.`).response()
      means.catalogue.delete(name)
      await shelf.forget(name)
      return new Answer(200, { name, deleted: true }).response()
    })
    app.all("/plans", (c) =>
      problemOf("wrong-method", `${c.req.method} brings no plan.`, {}, { allow: "POST" }).response(),
    )
  }

function bringer({ holder }: Caller, may: boolean): Holder | Answer {
  if (may && holder !== undefined && coverage(holder.grants)(UPLOAD)) return holder
  const whose = holder === undefined ? "There is no token" : `The token "${holder.name}" is`
  return problemOf("upload-not-granted", may ? `${whose} without ${UPLOAD}.` : `This server was not granted ${UPLOAD}.`)
}

async function brought(request: Request, holder: Holder, shelf: Shelf, { catalogue, limits }: Means): Promise<Answer> {
  const bytes = await bytesOf(request, { ...limits, bodyBytesMax: shelf.planBytesMax })
  if (bytes instanceof Answer) return bytes
  let graph: Served
  try {
    graph = await shelf.admit(bytes, holder)
  } catch (cause) {
    if (!(cause instanceof AdmissionError)) throw cause
    return refusedPlan(cause)
  }
  const { name, needs } = graph
  if (holder.graphs?.includes(name) === false)
    return problemOf("graph-not-allowed", `The token is not for the graph "${name}".`)
  const before = catalogue.get(name)
  if (before !== undefined && before.uploadedBy !== holder.name)
    return problemOf("graph-taken", `The name "${name}" is taken.`, { graph: name })
  const brought = catalogue.all().filter((g) => g.uploadedBy !== undefined).length
  if (before === undefined && brought >= shelf.plansMax)
    return problemOf("too-large", `The server keeps at most ${shelf.plansMax} plans.`)
  await shelf.keep(name, bytes, holder)
  catalogue.put({ ...graph, uploadedBy: holder.name })
  const body = { name, needs, url: `/graphs/${name}`, replaced: before !== undefined }
  return new Answer(before === undefined ? 201 : 200, body, { location: `/graphs/${name}` })
}

function refusedPlan({ reason, message, refusals }: AdmissionError): Answer {
  const each = refusals.slice(0, 50).map(({ path, reason: why, message: said, capability }) => ({
    path: printPath(path),
    reason: why,
    message: said,
    ...(capability === undefined ? {} : { capability }),
  }))
  return problemOf("plan-refused", message.split("\n")[0]!, { reason, refusals: each })
}
