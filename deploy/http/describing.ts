/** Adds `GET /openapi.json` and `GET /docs`: of the graphs that the caller may run, as they are served by now. */
import type { Context } from "hono"
import { jsonText, type Value } from "../../graph/mod.ts"
import { docsPage } from "./docs_page.ts"
import type { Means, Way } from "./means.ts"
import { type OpenApiOptions, openapiOf } from "./openapi.ts"
import { SAFE } from "./problems.ts"

export const describingWay =
  (about: Pick<OpenApiOptions, "version" | "guarded" | "uploads">): Way =>
  (app, means) => {
    const known = new Documents(means, about)
    app.use("/openapi.json", means.admitReader)
    app.use("/docs", means.admitReader)
    app.get("/openapi.json", (c) => {
      const headers = { ...SAFE, "content-type": "application/json" }
      return new Response(jsonText(known.of(c) as Value), { headers })
    })
    app.get("/docs", (c) => docsPage(known.of(c)))
  }

/** Documents by the graphs that are in them; callers who may run the same share one. */
class Documents {
  readonly #means: Means
  readonly #about: OpenApiOptions
  #made = new Map<string, ReturnType<typeof openapiOf>>()
  #of = -1

  constructor(means: Means, about: OpenApiOptions) {
    this.#means = means
    this.#about = about
  }

  of(c: Context): ReturnType<typeof openapiOf> {
    const { catalogue, callerOf } = this.#means
    if (this.#of !== catalogue.version || this.#made.size > 64) {
      this.#made = new Map()
      this.#of = catalogue.version
    }
    const { may } = callerOf(c)
    const graphs = catalogue.all().filter((graph) => may(graph.name))
    const key = graphs.map((graph) => graph.name).join(" ")
    let document = this.#made.get(key)
    if (document === undefined) this.#made.set(key, (document = openapiOf(graphs, this.#about)))
    return document
  }
}
