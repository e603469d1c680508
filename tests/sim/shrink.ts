/** Makes a failing scenario small: fewer faults, fewer runs, a shorter chain, as long as something is still wrong. */
import { live, type Scenario } from "./live.ts"

/** The smallest scenario found that still goes wrong, within so many lives. */
export async function shrunk(scenario: Scenario, livesMax = 120): Promise<Scenario> {
  let small = scenario
  let lives = 0
  for (let found = true; found; ) {
    found = false
    for (const other of smaller(small)) {
      if (++lives > livesMax) return small
      if (!(await goesWrong(other))) continue
      small = other
      found = true
      break
    }
  }
  return small
}

function* smaller(s: Scenario): Generator<Scenario> {
  if (s.inputs.length > 1) for (let i = 0; i < s.inputs.length; i++) yield { ...s, inputs: s.inputs.toSpliced(i, 1) }
  for (let i = 0; i < s.strikes.length; i++) yield { ...s, strikes: s.strikes.toSpliced(i, 1) }
  if ((s.stops?.length ?? 0) > 0) yield { ...s, stops: [] }
  if (s.rivals === true) yield { ...s, rivals: false }
  if (s.redacts === true) yield { ...s, redacts: false }
  if (s.nodes.length > 1) yield { ...s, nodes: s.nodes.slice(0, -1) }
}

async function goesWrong(scenario: Scenario): Promise<boolean> {
  try {
    return (await live(scenario)).wrong.length > 0
  } catch {
    // It is no graph any more: another thing that goes wrong.
    return false
  }
}
