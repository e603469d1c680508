/**
 * The wiring alone, on cells that are right by definition: then every result must be the host's own. That learned cells
 * are right is another test's.
 */
import { expect, test } from "bun:test"
import { differences } from "../../tests/cells/campaign.ts"
import { Arithmetic } from "./arithmetic.ts"
import { Float64 } from "./float64.ts"
import { Int64 } from "./int64.ts"

const add = Uint8Array.from({ length: 512 }, (_, i) => (i & 15) + ((i >> 4) & 15) + (i >> 8))
const multiply = Uint8Array.from({ length: 256 }, (_, i) => (i & 15) * (i >> 4))

test("int64 as BigInt has it and float64 as the processor has it, on right cells", () => {
  const cells = new Arithmetic({ add, multiply })
  const [int64, float64] = [new Int64(cells), new Float64(cells)]
  const found = differences({ int64: int64.of.bind(int64), float64: float64.of.bind(float64) }, 5_000, 1)
  expect(found).toEqual({ int64: [], float64: [] })
})

test("one wrong answer of a cell is seen in the results", () => {
  for (const at of [0, 255, 256, 511]) {
    const wrong = add.slice()
    wrong[at]! ^= 1
    const cells = new Arithmetic({ add: wrong, multiply })
    const int64 = new Int64(cells)
    const float64 = new Float64(cells)
    const found = differences({ int64: int64.of.bind(int64), float64: float64.of.bind(float64) }, 2_000, 2)
    expect(found.int64.length).toBeGreaterThan(0)
    expect(found.float64.length).toBeGreaterThan(0)
  }
})
