// Written by `shadowgraph types`. Do not edit: it is written again when the graph changes.
import type { Failure, Graph } from "shadowgraph"

/** The price of one parcel. */
declare const graph: Graph<
  { readonly weight_kg: number; readonly fragile?: boolean },
  { readonly price: number },
  Failure,
  never
>
export default graph
