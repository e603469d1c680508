// The graph for LangGraph's servers: a channel for each part of the state, a node for each step, an edge for each use.
import { Annotation, END, START, StateGraph } from "@langchain/langgraph"
import * as work from "./steps.mjs"

const State = Annotation.Root({
  quantity: Annotation(),
  price: Annotation(),
  country: Annotation(),
  net: Annotation(),
  discount: Annotation(),
  tax: Annotation(),
  shipping: Annotation(),
  total: Annotation(),
})

// A node may not be called as a channel is.
let built = new StateGraph(State)
for (const id of ["net", "discount", "tax", "shipping", "total"])
  built = built.addNode(`make_${id}`, (state) => ({ [id]: work[id](state) }))

export const graph = built
  .addEdge(START, "make_net")
  .addEdge("make_net", "make_discount")
  .addEdge("make_net", "make_shipping")
  .addEdge("make_discount", "make_tax")
  .addEdge(["make_tax", "make_shipping"], "make_total")
  .addEdge("make_total", END)
  .compile()
