// Loaded before the tests (bunfig.toml): a test that names no limit of its own gets a minute, since a machine that does
// other things beside it is no reason to fail. `bun-test.ts` allows the same on Deno.
import { setDefaultTimeout } from "bun:test"

setDefaultTimeout(60_000)
