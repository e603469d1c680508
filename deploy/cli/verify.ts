/** `verify`: checks every claim of the kernel on this machine and prints what came of it. Nothing outside is touched. */

import { hex, sha256, unhex } from "../../graph/mod.ts"
import { systemChance } from "../services/chance.ts"
import { CLAIMS, checkClaim, type Found } from "../verify/verify.ts"
import { type Call, EXIT, usage } from "./command.ts"
import { versionOf } from "./version.ts"

/** Lines on what was wrong with one claim. */
const WRONG_SHOWN = 5

export async function run(call: Call): Promise<number> {
  const { out } = call.terminal
  const { green, red, dim } = out.colours
  const claims = chosen(call)
  const seed = seedOf(call.text("seed"))
  const postgres = call.text("postgres")
  const found: Found[] = []
  const width = Math.max(...claims.map((c) => c.name.length))
  for (const claim of claims) {
    const one = await checkClaim(claim, { thorough: call.on("thorough"), seed, ...(postgres ? { postgres } : {}) })
    found.push(one)
    if (call.on("json")) continue
    const sign = one.skipped !== undefined ? dim("SKIP") : one.passed ? green("PASS") : red("FAIL")
    out.write(`${sign}  ${one.claim.padEnd(width)}  ${one.skipped ?? countOf(one)}  ${dim(one.says)}\n`)
    for (const line of one.wrong.slice(0, WRONG_SHOWN)) out.write(`      ${line}\n`)
    if (one.wrong.length > WRONG_SHOWN) out.write(`      and ${one.wrong.length - WRONG_SHOWN} more\n`)
  }
  const skipped = found.filter((f) => f.skipped !== undefined).length
  const passed = found.filter((f) => f.passed).length
  const failed = found.length - passed - skipped
  if (call.on("json")) {
    const report = { ok: failed === 0, version: versionOf(), seed: hex(seed), passed, failed, skipped, claims: found }
    out.write(`${JSON.stringify(report, null, 2)}\n`)
  } else {
    out.write(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ""} (seed ${hex(seed)})\n`)
    out.write(`figure verify.claims ${found.length - skipped}\nfigure verify.failed ${failed}\n`)
  }
  return failed === 0 ? EXIT.ok : EXIT.failed
}

/** `20000 triples of rights, missed ≤ 0.015 % at 95 %` for a sample, `112 paths × gates, all` for all there are. */
function countOf({ tried, what, bound, passed }: Found): string {
  const counted = `${tried} ${what}`
  if (bound !== null) return `${counted}, missed ≤ ${Number((bound * 100 * 1.006).toPrecision(2))} % at 95 %`
  return passed ? `${counted}, none wrong` : counted
}

function chosen(call: Call): typeof CLAIMS {
  const only = call.words.join(" ")
  const claims = CLAIMS.filter((c) => only === "" || c.name.includes(only))
  if (claims.length === 0)
    throw usage(`"${only}" is in the name of no claim`, `Its claims: ${CLAIMS.map((c) => c.name).join(", ")}`)
  return claims
}

function seedOf(text: string | undefined): Uint8Array {
  if (text === undefined) return systemChance.bytes(16)
  return /^(?:[0-9a-f]{2}){16,}$/.test(text) ? unhex(text) : sha256(new TextEncoder().encode(text))
}
