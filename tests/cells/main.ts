// `npm run cells`: arithmetic composed of our two learned cells against BigInt and the processor, a million pairs for each
// operation. `-- --pairs 10000` says how many; `-- --train` trains the cells again first and writes them.
import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { parseArgs } from "node:util"
import { Report } from "../../bench/report.ts"
import { cells, ModelRefused } from "../../shadow/mod.ts"
import { differences, OPERATIONS } from "./campaign.ts"

const { values } = parseArgs({
  options: {
    pairs: { type: "string", default: "1000000" },
    seed: { type: "string", default: "1" },
    train: { type: "boolean", default: false },
  },
})

if (values.train) {
  const { weightsModule } = await import("./train.ts")
  writeFileSync(join(import.meta.dirname, "../../shadow/cells/weights.ts"), weightsModule())
  console.log("wrote shadow/cells/weights.ts; run again without --train")
  process.exit(0)
}

const pairs = Number(values.pairs)
const composed = cells()
if (composed instanceof ModelRefused) throw composed
console.log(
  `${composed.checked} cases of the cells are right, the least sure of them at ${composed.sureLeast.toFixed(4)}`,
)
const found = differences(composed, pairs, Number(values.seed))
for (const each of [...found.int64, ...found.float64].slice(0, 50)) console.log(each)

const report = new Report("Composed arithmetic", "npm run cells")
report.text(
  "add, subtract, multiply, divide by two learned cells (two nibbles and a carry; two nibbles), whose every answer is checked " +
    "when they are loaded; carries, places, signs and rounding are wired by hand. int64 against BigInt, float64 against the " +
    `processor, to the bit: ${pairs} pairs for each operation, of all sizes, with corners.`,
)
report.figure("cells.checked", composed.checked, undefined, "768, all there are")
report.figure("cells.int64_pairs", pairs * OPERATIONS.length)
report.figure("cells.int64_errors", found.int64.length, undefined, "0")
report.figure("cells.float64_pairs", pairs * OPERATIONS.length)
report.figure("cells.float64_errors", found.float64.length, undefined, "0")
report.end()
process.exitCode = found.int64.length + found.float64.length === 0 ? 0 : 1
