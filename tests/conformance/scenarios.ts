/** Which scenarios of the suite there are for us, and what we do not pass, each with its reason. A reason that is none any more is a failure too. */

/** Checks that graphs, as a server, do not pass: by scenario, or by scenario and check. */
export const SERVER_REASONS: { readonly [scenarioOrCheck: string]: string } = {
  "tools-call-sampling":
    "a graph asks the models that whoever runs it granted (llm:), and never borrows the client's; the protocol of 2026-07-28 deprecates sampling",
  "elicitation-sep1330-enums":
    "an answer to `ask` is one of its own words: the types of graphs have no titles beside the values",
}

export interface ClientScenario {
  readonly name: string
  /** The tool of the suite's server that the graph calls, and its arguments; left out where the graph also logs in. */
  readonly call?: { readonly tool: string; readonly with: { readonly [arg: string]: number | string } }
}

const CALLS: readonly ClientScenario[] = [
  { name: "initialize", call: { tool: "none", with: {} } },
  { name: "tools_call", call: { tool: "add_numbers", with: { a: 2, b: 3 } } },
  { name: "sse-retry", call: { tool: "test_reconnection", with: {} } },
]

/** Scenarios for clients that a graph's `mcp:` node takes no part in. */
export const CLIENT_REASONS: { readonly [scenario: string]: string } = {
  "elicitation-sep1034-client-defaults":
    "a tool that asks a person in the middle of its call is not answered: a graph says with `ask` where it asks, so that it can rest meanwhile",
  "auth/cross-app-access-complete-flow":
    "tokens of a company's own login service are not exchanged for those of a server: a person logs in at the server itself, a machine with its own credentials",
}

/** What we take part in, of all that the suite has: every scenario of logging in, but for those with a reason. */
export const clientScenariosOf = (all: readonly string[]): readonly ClientScenario[] => [
  ...CALLS,
  ...all.filter((name) => name.startsWith("auth/") && CLIENT_REASONS[name] === undefined).map((name) => ({ name })),
]
