/**
 * A long campaign of broken plans and broken graph files: `npm run hostile [count] [seed]`, half of the mutants of each.
 * Prints every mutant that was accepted and is wrong, every crash, and the figures; fails when there are any.
 */

import { COMPILED } from "../plans/compiled.ts"
import { SAMPLES } from "../plans/samples.ts"
import { campaign } from "./campaign.ts"
import { hostileFiles } from "./files.ts"

const whole = (text: string | undefined, otherwise: number): number => {
  const n = Number(text ?? otherwise)
  if (Number.isInteger(n) && n > 0) return n
  console.error(`Cannot start the campaign: count and seed must be whole numbers above 0, found "${text}"`)
  process.exit(2)
}
const count = whole(process.argv[2], 100_000)
const seed = whole(process.argv[3], 1)

const files = hostileFiles(Math.floor(count / 2), seed)
console.log(`graph files: ${files.mutants} mutants, ${files.accepted} accepted`)

const plans = Object.values({ ...SAMPLES, ...COMPILED }).flatMap((make) => make() ?? [])
const report = await campaign(plans, count - files.mutants, seed)
const rules = [...report.by].sort((a, b) => b[1] - a[1]).map(([rule, n]) => `${rule} ${n}`)
console.log(`${plans.length} plans: ${report.mutants} mutants, ${report.refused} refused by ${rules.join(", ")}`)
console.log(`accepted: the same plan ${report.same}, another right one ${report.right}`)

const crashes = [...report.crashes, ...files.crashes]
for (const line of [...report.acceptedWrong, ...crashes].slice(0, 50)) console.error(line)
console.log(`figure hostile.mutants ${report.mutants + files.mutants}`)
console.log(`figure hostile.accepted_wrong ${report.acceptedWrong.length}`)
console.log(`figure hostile.crashes ${crashes.length}`)
if (report.acceptedWrong.length > 0 || crashes.length > 0) process.exit(1)
