/**
 * The long campaign of tensors: `npm run tensors [count] [seed]`, a million where nothing is said. Prints every tensor that
 * came back as another one, and the figures; fails when there are any.
 */
import { campaign } from "./campaign.ts"

const [count = 1_000_000, seed = 1] = process.argv.slice(2, 4).map(Number)
if (!Number.isInteger(count) || !Number.isInteger(seed) || count < 1) {
  console.error(
    `Cannot start the campaign: count and seed must be whole numbers, found "${process.argv.slice(2).join(" ")}"`,
  )
  process.exit(2)
}
const { tensors, runs, odd, differences } = await campaign(count, seed)
console.log(`${tensors} tensors, ${odd} of them full of odd floats, ${runs} of them sent through a whole run`)
for (const line of differences.slice(0, 50)) console.error(line)
console.log(`figure tensors.fuzzed ${tensors}`)
console.log(`figure tensors.differences ${differences.length}`)
if (differences.length > 0) process.exit(1)
