/**
 * A long campaign of broken plans: `npm run hostile [count] [seed]`. Prints every mutant that was accepted and is wrong,
 * every crash, and the figures; fails when there are any.
 */

import { COMPILED } from "../plans/compiled.ts"
import { SAMPLES } from "../plans/samples.ts"
import { campaign } from "./campaign.ts"

const whole = (text: string | undefined, otherwise: number): number => {
  const n = Number(text ?? otherwise)
  if (Number.isInteger(n) && n > 0) return n
  console.error(`Cannot start the campaign: count and seed must be whole numbers above 0, found "${text}"`)
  process.exit(2)
}
const count = whole(process.argv[2], 100_000)
const seed = whole(process.argv[3], 1)

const plans = Object.values({ ...SAMPLES, ...COMPILED }).flatMap((make) => make() ?? [])
const report = await campaign(plans, count, seed)
for (const line of [...report.acceptedWrong, ...report.crashes].slice(0, 50)) console.error(line)
const rules = [...report.by].sort((a, b) => b[1] - a[1]).map(([rule, n]) => `${rule} ${n}`)
console.log(`${plans.length} plans; refused ${report.refused}: ${rules.join(", ")}`)
console.log(`accepted: the same plan ${report.same}, another right one ${report.right}`)
console.log(`figure hostile.mutants ${report.mutants}`)
console.log(`figure hostile.accepted_wrong ${report.acceptedWrong.length}`)
console.log(`figure hostile.crashes ${report.crashes.length}`)
if (report.acceptedWrong.length > 0 || report.crashes.length > 0) process.exit(1)
