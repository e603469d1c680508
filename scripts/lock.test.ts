// The lock is completed with what npm left out, and with nothing that is already there.
import { expect, test } from "bun:test"
import { missingEntries } from "./lock.mjs"

test("an optional dependency without an entry gets one, with its platform read from its name", () => {
  const lock = {
    packages: {
      "node_modules/deno": {
        version: "2.9.6",
        dev: true,
        license: "MIT",
        optionalDependencies: {
          "@deno/linux-x64-glibc": "2.9.6",
          "@deno/linux-arm64-glibc": "2.9.6",
          "@deno/win32-x64": "2.9.6",
          "@oven/bun-darwin-aarch64": "1.4.5",
        },
      },
      "node_modules/@deno/linux-x64-glibc": { version: "2.9.6" },
    },
  }
  const entry = { dev: true, license: "MIT", optional: true, libc: undefined }
  expect(missingEntries(lock)).toEqual({
    "node_modules/@deno/linux-arm64-glibc": {
      ...entry,
      version: "2.9.6",
      cpu: ["arm64"],
      libc: ["glibc"],
      os: ["linux"],
    },
    "node_modules/@deno/win32-x64": { ...entry, version: "2.9.6", cpu: ["x64"], os: ["win32"] },
    "node_modules/@oven/bun-darwin-aarch64": { ...entry, version: "1.4.5", cpu: ["arm64"], os: ["darwin"] },
  })
})

test("another version at the top goes below the package that asks for it; ranges are left to npm", () => {
  const lock = {
    packages: {
      "node_modules/a": { version: "1.0.0", optionalDependencies: { "a-linux-x64": "1.0.0", fsevents: "~2.3.3" } },
      "node_modules/a-linux-x64": { version: "2.0.0" },
    },
  }
  expect(Object.keys(missingEntries(lock))).toEqual(["node_modules/a/node_modules/a-linux-x64"])
})
