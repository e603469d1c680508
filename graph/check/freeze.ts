/** Freezing what was checked, so that it stays what was checked. Bytes and tensors cannot be frozen and are left. */
import { Tensor } from "../value.ts"

/** Freezes plain data, however deep, without recursion. What is frozen already is taken to be so throughout. */
export function freezeDeep<A>(data: A): A {
  const stack: unknown[] = [data]
  while (stack.length > 0) {
    const top = stack.pop()
    if (typeof top !== "object" || top === null || Object.isFrozen(top)) continue
    if (ArrayBuffer.isView(top) || top instanceof Tensor) continue
    Object.freeze(top)
    for (const part of Object.values(top)) stack.push(part)
  }
  return data
}
