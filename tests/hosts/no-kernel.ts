// Cells on a host that compiles no WebAssembly at run time and was lent no kernel: refused with a reason, and nothing is thrown.
import { cells, ModelRefused } from "../../shadow/mod.ts"

export default async function answer(): Promise<string> {
  const found = cells()
  return found instanceof ModelRefused ? found.reason : "checked"
}
