/**
 * The sandbox of `script` nodes at the edge, on a module that the program brings: `sandbox.wasm`, as `shadowgraph deploy` writes it.
 * A door of its own: who runs no scripts carries nothing of it.
 */
export { sandboxOn } from "../sandbox/sandbox.ts"
