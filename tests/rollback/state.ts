// The state of a run as one text: which steps of which frames are done, what those that are under way were given, and how
// much fuel is left. How a frame keeps it (in a plain loop or with counters) is not part of it.
import type { Frame } from "../../bus/frame.ts"
import type { Vm } from "../../bus/vm.ts"
import { encode, hex, printPath, sha256, type Value } from "../../graph/mod.ts"

/** Hash of the state of a run that has gone as far as it can for now. */
export function stateOf(vm: Vm): string {
  const lines = [`fuel ${vm.fuel.left}`]
  const visit = (frame: Frame): void => {
    const { code } = frame
    const at = printPath(frame.base())
    const done: number[] = []
    for (let node = 0; node < code.params + code.n; node++) if (frame.isDone(node)) done.push(node)
    lines.push(`frame ${at}: done ${done.join(" ")}`)
    for (const step of code.steps) {
      if (frame.isDone(code.params + step.index)) continue
      if (![...step.preds].every((p) => frame.isDone(p))) continue
      const given = [...step.reads].map((slot) => hex(sha256(encode(frame.slots[slot] as Value))))
      lines.push(`  ${step.kind} ${step.path.join(".")} given ${given.join(" ")}`)
    }
    const children = [...(frame.children ?? [])].map((child) => ({ child, key: printPath(child.base()) }))
    for (const { child } of children.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : 0)))
      if (!child.dead && !child.ended) visit(child)
  }
  visit(vm.root!)
  return lines.join("\n")
}
