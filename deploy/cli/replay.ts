/** `replay`: a run computed again from its record alone; with `--from` and `--with` another run from there. */
import { jsonOf, printPath, readJson } from "../../graph/mod.ts"
import { anew, type Replayed, replay } from "../engine/again.ts"
import { type Call, EXIT, usage } from "./command.ts"
import { runNamed } from "./run_named.ts"
import { openFolder, pathOf, pinsOf, showRun } from "./taking_up.ts"

export async function run(call: Call): Promise<number> {
  const [word, ...more] = call.words
  if (word === undefined || more.length > 0) throw usage("replay wants one run's id", "shadowgraph runs   lists them")
  const from = call.text("from")
  const input = call.text("with-input")
  const outcome = call.text("with")
  if (outcome !== undefined && from === undefined) throw usage("--with wants --from: the effect whose outcome it is")
  const session = await openFolder(call)
  try {
    const { engine } = session
    const id = await runNamed(engine.store, engine.space, word)
    if (from === undefined && input === undefined) return report(call, await replay(engine, id))
    const { ready } = await engine.reopen(id, "untouched")
    const grants = call.on("yes") ? ready.admitted.plan.externs.flatMap((x) => x.needs) : session.grants
    const pins =
      outcome === undefined ? [] : pinsOf({ ...call, list: () => [`${from}=${outcome}`] }, "with", ready.admitted)
    const result = await anew(engine, id, {
      grants,
      ...(from === undefined ? {} : { from: pathOf(from) }),
      ...(input === undefined ? {} : { input: readJson(input) }),
      pinned: pins,
      held: !call.on("live"),
    })
    return showRun(call, result)
  } finally {
    await session.close()
  }
}

function report(call: Call, found: Replayed): number {
  const { out } = call.terminal
  const { same, sameTrace, sameOutcome, divergences, trace, history, run } = found
  const { end } = history
  if (call.on("json")) {
    const told = divergences.map(({ path, feeds }) => ({ path: printPath(path), feeds: feeds.map(printPath) }))
    const ends = found.outcome?.ok ? { output: jsonOf(found.outcome.value, { nonFinite: "text" }) } : {}
    out.write(
      `${JSON.stringify({ run, same, sameOutcome, sameTrace, trace, recorded: end?.trace, divergences: told, ...ends })}\n`,
    )
    return same ? EXIT.ok : EXIT.failed
  }
  const { green, red, dim } = out.colours
  for (const { path, feeds } of divergences) {
    const from = feeds.length === 0 ? "" : `; what feeds it and calls itself pure: ${feeds.map(printPath).join(", ")}`
    out.write(`${red("differs")}  ${printPath(path)} is called with other arguments than on record${from}\n`)
  }
  if (!sameOutcome) out.write(`${red("differs")}  the outcome is another one than on record\n`)
  else if (!sameTrace) out.write(`${red("differs")}  trace ${trace}, on record ${end?.trace}\n`)
  if (!same) return EXIT.failed
  const what = `${history.known.size} outcomes from the record, no tool called`
  const ends = end === undefined ? "as far as it has come" : `trace ${trace.slice(0, 12)}…`
  out.write(`${green("same")}  ${what}  ${dim(ends)}\n`)
  return EXIT.ok
}
