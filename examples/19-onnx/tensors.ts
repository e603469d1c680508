// From a graph's numbers to a model's tensor, and back.
import { fn, numbersOf, type Tensor, tensor, tensorOf } from "shadowgraph"
import * as v from "valibot"

/** A plain function: the node that uses it says what it gives. One row an apple. */
export const features = ({ apples }: { apples: readonly { mm: number; brix: number }[] }): Tensor =>
  tensorOf(
    "f32",
    [apples.length, 2],
    apples.flatMap((a) => [a.mm, a.brix]),
  )

const GRADES = ["juice", "shop", "gift"] as const

/** The grade with the most points, row by row. */
export const grades = fn(
  "grades",
  { input: { points: tensor("f32", [null, 3]) }, output: v.array(v.picklist(GRADES)), effect: "pure", async: false },
  ({ points }) => {
    const numbers = numbersOf(points)
    return Array.from({ length: points.shape[0]! }, (_, row) => {
      const [juice, shop, gift] = numbers.slice(row * 3, row * 3 + 3) as [number, number, number]
      return gift > shop && gift > juice ? "gift" : shop > juice ? "shop" : "juice"
    })
  },
)
