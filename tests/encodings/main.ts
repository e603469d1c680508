// `npm run encodings`: the round trips of encodings in full: every 16-bit whole number by eight ways, and a million random
// float64. `-- --floats 100000` says how many. What comes back otherwise is printed.
import { parseArgs } from "node:util"
import { Report } from "../../bench/report.ts"
import { everyInteger16, randomFloats } from "./campaign.ts"

const { values } = parseArgs({
  options: { floats: { type: "string", default: "1000000" }, seed: { type: "string", default: "1" } },
})
const floats = Number(values.floats)

const whole = everyInteger16()
const wrong = [...whole, ...randomFloats(floats, Number(values.seed))]
for (const each of wrong.slice(0, 50)) console.log(`came back otherwise: ${each}`)

const report = new Report("Encodings", "npm run encodings")
report.text(
  "Values through an encoding and back, to the bit. 16-bit: every value, signed and unsigned, as number and int64, as a " +
    "model's input and as its output. float64: corners, and random bits, a sixth of them made subnormal and a sixth rounded to 32 bits.",
)
report.figure("encodings.values16", 8 * 65_536)
report.figure("encodings.floats", floats)
report.figure("encodings.mismatches", wrong.length, undefined, "0")
report.end()
process.exitCode = wrong.length === 0 ? 0 : 1
