// Seeds of the random graphs in `laws.test.ts` that break a law today, with what breaks. Each is a defect that is not mended
// yet; mending one takes its line out.
const ROLES = "bodies that a tool calls by role: the replay does not get as far as the run did, or reads another answer"
const TYPES = "a narrowed type is wider in the plan than in the checker: the plan is refused, nothing runs"
const FIRST = "two failures at once: the run reports one, the replay another"
const STOP = "a tool in a body that no longer matters is not told to stop"

export const KNOWN: { readonly [seed: string]: string } = {
  "laws 137": TYPES,
  "laws 181": ROLES,
  "laws 480": FIRST,
  "laws 517": ROLES,
  "laws 823": FIRST,
  "laws 907": ROLES,
  "laws 940": ROLES,
  "laws 995": ROLES,
  "laws 1258": TYPES,
  "laws 1325": TYPES,
  "laws 1335": STOP,
  "laws 1541": TYPES,
  "laws 1760": ROLES,
}
