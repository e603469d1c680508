// Mutants of the kernel that no test can kill, or that need not be killed, each with its reason. One that is killed after
// all, or is gone, must leave this list: `npm run mutate` says so.
export interface Explained {
  readonly file: string
  readonly what: string
  readonly code: string
  readonly nth?: number
  readonly reason: string
}

export const EXPLAINED: readonly Explained[] = [
  ...(["always", "flipped"] as const).map((what) => ({
    file: "deploy/engine/slots.ts",
    what,
    code: "this.#waiting > 0",
    reason: "A shortcut: where nobody waits nobody is let in.",
  })),
  {
    file: "kernel/outcome.ts",
    what: "always",
    code: "bytes === undefined",
    reason: "A shortcut: what is read anew for each run is the same.",
  },
  {
    file: "kernel/outcome.ts",
    what: "always",
    code: "outcome.ok",
    nth: 2,
    reason: "A failure has no value: what is read of it is undefined either way. The type wants it asked.",
  },
  {
    file: "kernel/run.ts",
    what: "flipped",
    code: "history.open.size > 0",
    reason: "A shortcut: finished items are folded so that memory does not grow; the root is the same.",
  },
  {
    file: "kernel/run.ts",
    what: "never",
    code: "!this.#settlesLate",
    reason: "A shortcut: finished items are folded so that memory does not grow; the root is the same.",
  },
  {
    file: "kernel/run.ts",
    what: "never",
    code: "past === undefined",
    reason: "A shortcut: of a run that begins no write was lost, whoever is asked.",
  },
  {
    file: "kernel/run.ts",
    what: "never",
    code: "store.late === true",
    reason: "A shortcut: what proves the end of a run is read from its last entry when somebody asks, and is the same.",
  },
  {
    file: "kernel/run.ts",
    what: "left alone",
    code: "cache === undefined || x.identity === undefined",
    reason: "A shortcut: nothing is kept under no identity.",
  },
  {
    file: "kernel/chain.ts",
    what: "always",
    code: "this.options.store.late !== true",
    reason: "A shortcut: the first and the last entry of a run are sealed at once, and are the same.",
  },
  {
    file: "kernel/undo.ts",
    what: "flipped",
    code: "known.seq < undoing.seq",
    reason: "No entry both settles a write and begins to undo.",
  },
  ...(["left alone", "right alone"] as const).map((what) => ({
    file: "kernel/resume.ts",
    what,
    code: "data === null || outcome === null",
    reason: "An answer has both or neither. The types want both asked.",
  })),
  {
    file: "kernel/judge.ts",
    what: "always",
    code: 'validator.level === "oracle"',
    reason: "A shortcut: a validator that is not told to stop has a signal that nobody listens to.",
  },
  {
    file: "kernel/registered.ts",
    what: "flipped",
    code: "RANK[claim.effect] < RANK[signature.effect]",
    reason: "Asked only where the two effects differ.",
  },
  {
    file: "kernel/grants.ts",
    what: "never",
    code: "narrowed.length === 0",
    nth: 1,
    reason:
      "A shortcut: where nothing is narrowed the walk finds nothing in force, and admission takes none for nothing.",
  },
  {
    file: "kernel/grants.ts",
    what: "flipped",
    code: "end <= path.length",
    reason: "A call is no subgraph: nothing narrows at its own path.",
  },
  {
    file: "kernel/flows.ts",
    what: "never",
    code: "policy.rules.length === 0",
    reason: "A shortcut: a policy without rules refuses no flow that is found.",
  },
  {
    file: "kernel/admit.ts",
    what: "never",
    code: "narrowing.length === 0",
    reason: "A shortcut: of no narrowing there are no layers.",
  },
  {
    file: "kernel/admit.ts",
    what: "never",
    code: "narrowed === NONE",
    reason: "A shortcut: with no further layers what is granted is the same.",
  },
  {
    file: "kernel/admit.ts",
    what: "never",
    code: "first.ok",
    nth: 1,
    reason:
      "What the registration needs is covered by what the plan claims, or the first gate has refused. Asked again all the same.",
  },
  ...(["left alone", "right alone"] as const).map((what) => ({
    file: "kernel/admit.ts",
    what,
    code: "!first.ok || third?.ok !== true",
    reason:
      "Where the first gate is shut the third was not asked; and where either is, the plan is refused, whatever was collected of its tools.",
  })),
  {
    file: "gate/bound.ts",
    what: "flipped",
    code: "wrong >= cases",
    reason: "With all wrong the search begins and ends at 1.",
  },
  {
    file: "gate/bound.ts",
    what: "flipped",
    code: "i < 64",
    reason: "One turn more halves a gap that is below the last bit already.",
  },
  ...(["left alone", "flipped"] as const).flatMap((what) =>
    (what === "flipped" ? ["term > 1", "left > 0"] : ["term > 1 && left > 0"]).map((code) => ({
      file: "gate/bound.ts",
      what,
      code,
      reason:
        "When a factor is taken in changes roundings alone; and since no probability is above 1, some are left while the term is.",
    })),
  ),
  {
    file: "deploy/ledger/merkle_proof.ts",
    what: "flipped",
    code: "first >= leaves.length",
    reason: "Of a whole tree the walk gives an empty proof as well.",
  },
  {
    file: "audit/merkle.ts",
    what: "never",
    code: "start === undefined",
    reason:
      "An empty proof between trees of two sizes never comes to the root of the larger one, and is refused at the end.",
  },
  {
    file: "gate/trial.ts",
    what: "left alone",
    code: "i < cases.length && wrong <= this.#wrongMax",
    reason: "A shortcut: a control that was wrong once too often stays so, however many cases follow.",
  },
  {
    file: "audit/heads.ts",
    what: "always",
    code: "closes",
    nth: 0,
    reason: "A shortcut: the root of a group that goes on is computed and used by nobody.",
  },
  {
    file: "audit/audit.ts",
    what: "always",
    code: "roots.has(tree.size)",
    reason: "A shortcut: roots of sizes that no head was kept of are looked at by nobody.",
  },
  {
    file: "deploy/ledger/memory.ts",
    what: "always",
    code: 'row.kind === "parked"',
    reason:
      "A shortcut: when a run is due is looked at only while it rests, and is counted anew from its first rest on.",
  },
  ...(["always", "flipped"] as const).map((what) => ({
    file: "deploy/ledger/memory.ts",
    what,
    code: "tail.older.length > 0",
    reason: "A shortcut: of no older rows none are let go of.",
  })),
  {
    file: "deploy/ledger/memory.ts",
    what: "always",
    code: 'known.last.kind === "end"',
    reason: "A shortcut: a run that has not ended is not among those that have.",
  },
  ...(
    [
      ["undefined", "return this.open.size + this.young.size + this.old.size + this.#short.size + this.#shortOld.size"],
      ["never", "runs.size === 0"],
      ["not called", "this.#spaces.delete(space)"],
    ] as const
  ).map(([what, code]) => ({
    file: "deploy/ledger/memory.ts",
    what,
    code,
    reason: "A space without runs has nothing to tell: whether it is kept is a matter of memory.",
  })),
  {
    file: "kernel/ledger.ts",
    what: "always",
    code: "hidden !== undefined",
    reason: "A shortcut: of nothing there is nothing to assign.",
  },
  {
    file: "deploy/ledger/memory.ts",
    what: "undefined",
    code: "return this.#short.put(start, end, began)",
    reason: "A shortcut: a run that is not kept as a short one is kept like any other.",
  },
  {
    file: "deploy/ledger/memory.ts",
    what: "always",
    code: "!this.young.delete(tail.run)",
    reason: "A shortcut: a run is in one place, and looked for in the others in vain.",
  },
  {
    file: "deploy/ledger/memory.ts",
    what: "never",
    code: "row instanceof EndRow && first !== undefined && row.start === first",
    reason: "A shortcut: a run that is not kept as a short one is kept like any other.",
  },
  {
    file: "deploy/ledger/memory.ts",
    what: "right alone",
    code: "row instanceof EndRow && first !== undefined",
    reason: "A shortcut: only the last entry of a run knows a start.",
  },
  {
    file: "deploy/ledger/memory.ts",
    what: "always",
    code: "!(row instanceof StartRow) || !row.fresh",
    reason: "A shortcut: a run that has begun is kept like any other.",
  },
  {
    file: "deploy/ledger/memory.ts",
    what: "right alone",
    code: "!(row instanceof StartRow) || !row.fresh",
    reason: "A shortcut: only the first entry of a run can be fresh.",
  },
  {
    file: "deploy/ledger/memory.ts",
    what: "not called",
    code: "this.#unfold()",
    reason: "A shortcut: the run that has begun is found like any other.",
  },
  {
    file: "deploy/ledger/memory.ts",
    what: "never",
    code: "recent !== undefined && recent.run === run && recent.space === space",
    reason: "A shortcut: the run that was appended to last is found like any other.",
  },
  {
    file: "kernel/budget.ts",
    what: "never",
    code: "turns === 0",
    reason: "A shortcut: without it the loop turns no part, and the remainder of a time below one part is that time.",
  },
  {
    file: "deploy/engine/slots.ts",
    what: "not called",
    code: "this.#remove(tenant, waiter!)",
    reason: "What the waiter does when it goes removes it as well.",
  },
  {
    file: "deploy/engine/slots.ts",
    what: "always",
    code: "tenant.waiting.has(waiter)",
    reason: "The sleep of a waiter that went is aborted with it, and a promise is settled once.",
  },
  {
    file: "deploy/engine/slots.ts",
    what: "flipped",
    code: "tenantRunsMax < runsMax",
    reason: "Words of a message: with equal bounds it would name that of one tenant as well.",
  },
  {
    file: "bus/limits.ts",
    what: "left alone",
    code: 'wants !== "place" && gate.starts.length > 0',
    reason: "A shortcut: writing to a ring without a place changes nothing.",
  },
  {
    file: "bus/limits.ts",
    what: "flipped",
    code: "gate.starts.length > 0",
    reason: "A shortcut: writing to a ring without a place changes nothing.",
  },
  {
    file: "bus/limits.ts",
    what: "never",
    code: "!this.#lets(gate, gate.waiting, waiter)",
    reason: "A shortcut: where one who waits for both may not go, none behind may.",
  },
  {
    file: "bus/limits.ts",
    what: "true",
    code: "return false",
    reason: "The same shortcut.",
  },
]
