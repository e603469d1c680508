/** Our server beside the reference server, scenario by scenario, and what is not passed beside its reason. */
import { SERVER_REASONS } from "./scenarios.ts"
import { type Checks, ofScenario, type Score, scoreOf } from "./suite.ts"

export interface Compared {
  readonly scenario: string
  readonly ours: Score
  readonly reference: Score
  /** Why we do not pass all of it. */
  readonly reason: string | undefined
  /** We pass less of it than the reference server does. */
  readonly below: boolean
}

const scenariosOf = (checks: Checks): readonly string[] => [
  ...new Set([...checks.keys()].map((check) => check.slice(0, check.lastIndexOf("/")))),
]

export function compared(ours: Checks, reference: Checks): readonly Compared[] {
  return [...new Set([...scenariosOf(ours), ...scenariosOf(reference)])].sort().map((scenario) => {
    const mine = scoreOf(ofScenario(ours, scenario))
    const theirs = scoreOf(ofScenario(reference, scenario))
    return {
      scenario,
      ours: mine,
      reference: theirs,
      reason: SERVER_REASONS[scenario],
      below: theirs.passed > mine.passed || (theirs.failed === 0 && mine.failed > 0),
    }
  })
}

/** What must not be: a scenario below the reference, a failure without a reason, a reason without a failure. */
export const wrongs = (all: readonly Compared[]): readonly string[] =>
  all.flatMap(({ scenario, ours, reference, reason, below }) => [
    ...(below ? [`${scenario}: ${ours.passed} passed, and the reference server ${reference.passed}`] : []),
    ...(ours.failed > 0 && reason === undefined ? [`${scenario}: ${ours.failed} failed, and nobody says why`] : []),
    ...(ours.failed === 0 && reason !== undefined ? [`${scenario} passes: its reason is none any more`] : []),
  ])
