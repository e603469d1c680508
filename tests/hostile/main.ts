/**
 * A long campaign of broken plans and broken graph files: `npm run hostile [count] [seed]`, half of the mutants of each.
 * Prints every mutant that was accepted and is wrong, every crash, and the figures; fails when there are any.
 */
import { campaign, figures } from "../campaign.ts"
import { COMPILED } from "../plans/compiled.ts"
import { SAMPLES } from "../plans/samples.ts"
import { campaign as brokenPlans } from "./campaign.ts"
import { hostileFiles } from "./files.ts"

interface Tally {
  files: { mutants: number; accepted: number }
  plans: { mutants: number; refused: number; same: number; right: number; by: { [rule: string]: number } }
  acceptedWrong: string[]
  crashes: string[]
}

const SHOWN_MAX = 50

await campaign<Tally>(import.meta.filename, {
  cases: "mutants",
  count: 100_000,
  seed: "1",
  part: 10_000,
  nothing: () => ({
    files: { mutants: 0, accepted: 0 },
    plans: { mutants: 0, refused: 0, same: 0, right: 0, by: {} },
    acceptedWrong: [],
    crashes: [],
  }),
  does: mutants,
  says: ({ files, plans, acceptedWrong, crashes }) =>
    `${files.mutants + plans.mutants} mutants, ${acceptedWrong.length} accepted and wrong, ${crashes.length} crashes`,
  ends: ({ files, plans, acceptedWrong, crashes }, _, whole) => {
    const rules = Object.entries(plans.by).sort(([, a], [, b]) => b - a)
    const by = rules.map(([rule, n]) => `${rule} ${n}`).join(", ")
    const says =
      `graph files: ${files.mutants} mutants, ${files.accepted} accepted; plans: ${plans.mutants} mutants, ${plans.refused} refused by ${by}; ` +
      `of those accepted ${plans.same} are the same plan, ${plans.right} another right one`
    for (const line of [...acceptedWrong, ...crashes].slice(0, SHOWN_MAX)) console.error(line)
    const counted = {
      "hostile.mutants": files.mutants + plans.mutants,
      "hostile.accepted_wrong": acceptedWrong.length,
      "hostile.crashes": crashes.length,
    }
    figures(counted, { title: "Broken plans and files", command: "npm run hostile", says, whole })
    return acceptedWrong.length + crashes.length === 0
  },
})

/** Each part has a seed of its own, a number: that of the campaign and its first case. */
async function mutants(seed: string, from: number, count: number): Promise<Tally> {
  const own = Number(seed)
  if (!Number.isSafeInteger(own) || own <= 0) {
    console.error(`Cannot start the campaign: the seed must be a whole number above 0, found "${seed}"`)
    process.exit(2)
  }
  const part = (own * 1_000_003 + from) % 0xffff_ffff
  const files = hostileFiles(Math.floor(count / 2), part)
  const all = Object.values({ ...SAMPLES, ...COMPILED }).flatMap((make) => make() ?? [])
  const { by, acceptedWrong, crashes, ...plans } = await brokenPlans(all, count - files.mutants, part)
  const of = (line: string) => `part ${from}: ${line}`
  return {
    files: { mutants: files.mutants, accepted: files.accepted },
    plans: { ...plans, by: Object.fromEntries(by) },
    acceptedWrong: acceptedWrong.map(of),
    crashes: [...crashes, ...files.crashes].map(of),
  }
}
