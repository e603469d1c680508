// Runs the graph as an Effect: its errors are caught by their tag, its grants are provided like any service.
import { Effect } from "effect"
import { grants, run } from "shadowgraph"
import { quote } from "./quote.graph.ts"

const priced = Effect.forEach(["A17", "Z99"], (order) =>
  run(quote, { order }).pipe(
    Effect.map((total) => `${order}: ${total.toFixed(2)} EUR`),
    Effect.catchTag("NoOrder", (error) => Effect.succeed(`${error.order}: there is no such order`)),
  ),
)

// Without the grant this line does not compile: 'Capability<"sql:shop:read">' is not assignable to type 'never'.
const lines = await Effect.runPromise(priced.pipe(Effect.provide(grants("sql:shop:read"))))
console.log(lines.join("\n"))
