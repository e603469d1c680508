/**
 * What a person does about each kind of problem, as `/problems/<kind>` says it. Apart from the kinds themselves, since a program that
 * answers few things shows no pages.
 */
import type { ProblemKind } from "./problems.ts"

export const PROBLEM_PAGES: Readonly<Record<ProblemKind, string>> = {
  "unknown-graph": "GET /graphs lists the graphs that are served.",
  "not-found": "GET /openapi.json says what there is; GET /graphs lists the graphs.",
  "wrong-method": "A run is begun with POST, everything else is read with GET.",
  "not-json": 'Send content-type: application/json and { "input": { … } }.',
  "encoded-body": "Send the body as it is, without content-encoding.",
  "bad-body": 'The body is JSON of the form { "input": { … } }.',
  "too-large": "The server limits the size of a body.",
  "slow-body": "The server limits the time that a body may take to arrive. Send again.",
  "bad-query": "GET /openapi.json says which parameters there are, and their form.",
  "wrong-input": "GET /graphs/<name> has the JSON Schema of the input.",
  "capability-not-granted": "Whoever starts the server grants: --grant, or shadowgraph.project.json.",
  "token-missing": "Send authorization: Bearer <token>; whoever runs the server makes one: shadowgraph token add.",
  "token-unknown": "Check that the whole token was sent, and to the right server.",
  "token-expired": "Ask whoever runs the server for another one.",
  "token-revoked": "It was good once and is no longer. Ask whoever runs the server for another one.",
  "tokens-unreadable": "The server lets nobody in until its file of tokens is right; its log says more.",
  "graph-not-allowed": "The token is for other graphs; GET /graphs lists them.",
  "not-admitted": "The server refused the plan; its log says why.",
  "unknown-hook": "Hooks are declared in shadowgraph.project.json.",
  "hook-not-ready":
    "The server lacks the secret that the sender signs with; whoever runs it sets it. Send again later.",
  "signature-missing": "The sender signs the body; the hook's declaration says in which form.",
  "signature-wrong": "Sender and server have another secret, or the body was changed on its way.",
  "signature-old": "It was signed too long ago, or the clocks differ. Send again.",
  "wrong-delivery":
    "The hook's `delivery` finds no text or number in the request, so a delivery that is made again would run twice.",
  "no-such-run": "The ledger has none of that id, or the token is for other graphs.",
  missing: "What the run needs to go on is not in the ledger: its plan is not kept, or its data were redacted.",
  closed: "Nothing can be answered or resumed any more. A new run has a new id.",
  answer: "GET /runs/<id> says what the run waits for, and where.",
  conflict: "Another request or server goes on with the run just now. Look again in a moment.",
  undone: "What it had done was taken back.",
  diverged: "A call came out with other arguments than on record; the message names what feeds it.",
  "wrong-host": "The request names a host that is not this server's.",
  busy: "As many run and wait as the server takes on. Retry-After says when to try again.",
  "over-budget": "`data` says which. Whoever starts the server states it: --budget.",
  "tenant-budget": "`data` says which; it is for a window of time, so try again later.",
  "idempotency-key-reused": "The same Idempotency-Key came with another input before. A new request has a new key.",
  "idempotency-key-wrong": "An Idempotency-Key has 1 to 255 visible ASCII characters.",
  "in-progress": "The run of this key goes on, elsewhere. Ask again in a moment.",
  cancelled: "Somebody ended the run; the ledger has what was done until then.",
  "no-proof": "The server keeps its ledger in memory, or without a key; such runs have no signed proof.",
  "too-many-streams":
    "As many streams are open as the server keeps up with. Retry-After says when to try again; GET /runs/<id> needs none.",
  "graph-taken": "A graph of that name is served from a file, or was uploaded with another token.",
  "plan-refused": "`refusals` says what is wrong with it, and where.",
  "upload-not-granted": "A token uploads plans where both it and the server were granted serve:upload.",
  "not-ready": "The server takes on no runs just now; `detail` says why. Try again a little later.",
  "too-slow": "The server limits the time of a run.",
  "run-failed": "`code` says how, `node` where; the ledger has what was done until then.",
  "shutting-down": "Try again a little later.",
  "not-kept":
    "The ledger is full, read-only or away (`reason`), and what cannot be recorded is not done. With an `Idempotency-Key` the same request can be made again.",
  internal: "A defect of the server; its log says more.",
}
