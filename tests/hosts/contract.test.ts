// One contract on every host: places for ledgers (memory, a file of SQLite, the storage of a Durable Object; Postgres is
// `tests/contract`), and what is served at the edge. Each host runs the whole suite by itself and says what came of it.
import { afterAll, describe, expect, test } from "bun:test"
import { HOSTS, type HostKind, Stand, WITH_OBJECTS } from "./launch.ts"
import type { Result } from "./small-test.ts"

const HOST_MS_MAX = 180_000
const stand = new Stand()
afterAll(() => stand.close())

/** Tests that every place for ledgers has, and those that durable ones have beside. */
const LEDGER_TESTS = 9

const hosts: readonly HostKind[] = HOSTS.map((kind) => (kind.name === "workerd" ? WITH_OBJECTS : kind))

// At once: each host is a process of its own.
describe.concurrent("the contract", () => {
  for (const kind of hosts) {
    const { name, missing } = kind
    if (missing !== undefined) console.log(`Skipped: the contract on ${name}, because ${missing}`)
    test.skipIf(missing !== undefined)(
      `holds on ${name}`,
      async () => {
        const entry = name === "workerd" || name === "Chromium" ? "contract-edge" : "contract-servers"
        const host = await stand.start(kind, await stand.program(`tests/hosts/${entry}.ts`))
        const results = (await host.ask(null)) as readonly Result[]
        expect(results.flatMap(({ name, wrong }) => (wrong === undefined ? [] : [`${name}: ${wrong}`]))).toEqual([])
        const of = (place: string) => results.filter(({ name }) => name.startsWith(`a ledger in ${place} `)).length
        expect(of("memory")).toBeGreaterThanOrEqual(LEDGER_TESTS)
        const durable = name === "workerd" ? "a Durable Object" : name === "Chromium" ? undefined : "SQLite"
        if (durable !== undefined) expect(of(durable)).toBeGreaterThan(of("memory"))
        expect(results.filter(({ name }) => name.startsWith("the handler")).length).toBeGreaterThan(10)
        expect(results.filter(({ name }) => name.startsWith("the whole interface")).length).toBe(5)
      },
      HOST_MS_MAX,
    )
  }
})
