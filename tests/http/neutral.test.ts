// The handler of requests runs wherever there are requests: neither it nor anything that it imports names a platform, reads
// graph files, or compiles. An edge host that has plans needs nothing else.
import { expect, test } from "bun:test"
import { build } from "esbuild"
import { root } from "../repository.ts"

test("the handler needs no platform, no parser of files and no compiler", async () => {
  const { metafile } = await build({
    absWorkingDir: root,
    entryPoints: ["deploy/http/app.ts"],
    bundle: true,
    format: "esm",
    platform: "neutral",
    packages: "external",
    metafile: true,
    write: false,
    logLevel: "silent",
  })
  // Doors name more than anybody takes; what counts is what is left of them.
  const [output] = Object.values(metafile.outputs)
  const files = Object.entries(output!.inputs).flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : []))
  const packages = new Set(
    Object.values(metafile.inputs).flatMap((i) => i.imports.filter((x) => x.external).map((x) => x.path)),
  )
  expect([...packages].filter((name) => /^(node|bun|deno):?/.test(name) || name === "yaml")).toEqual([])
  expect(files.filter((file) => /^(compile|nodes|learn|graph\/file)\//.test(file))).toEqual([])
  expect(files).toContain("deploy/http/begin_runs.ts")
})
