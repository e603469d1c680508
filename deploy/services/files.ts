/**
 * Files below a root, on a host with a file system. The words of a path were judged by the node; this looks at what is
 * really on the disk: a symbolic link that leads out of the root is refused, and a write replaces a file in one step.
 */
import { mkdir, open, realpath, rename, rm, stat } from "node:fs/promises"
import { basename, dirname, join, relative, resolve, sep } from "node:path"
import { Failure, type Files, fail } from "../../graph/mod.ts"

/** @param base The graph file's folder, from which relative paths count. */
export function fileService(base: string): Files {
  return {
    read: (path, { root, bytesMax }) =>
      told("read", path, async () => {
        const real = await realpath(resolve(base, path))
        await assertInside(await realpath(resolve(base, root)), real, path, root)
        const { size } = await regular(real, path)
        const bytes = size > bytesMax ? undefined : await contents(real)
        if (bytes !== undefined && bytes.length <= bytesMax) return bytes
        throw refusal("TooLarge", "read", path, `it has ${bytes?.length ?? size} bytes, wanted at most ${bytesMax}`)
      }),
    write: (path, bytes, { root }) =>
      told("write", path, async () => {
        const folder = dirname(resolve(base, path))
        await mkdir(resolve(base, root), { recursive: true })
        const top = await realpath(resolve(base, root))
        // Checked before anything is made: folders below a link would be made where the link leads.
        await assertInside(top, await realpath(await nearest(folder)), path, root)
        await mkdir(folder, { recursive: true })
        await replace(join(await realpath(folder), basename(path)), bytes, path)
      }),
  }
}

async function contents(real: string): Promise<Uint8Array> {
  const file = await open(real, "r")
  try {
    return new Uint8Array(await file.readFile())
  } finally {
    await file.close()
  }
}

/** A draft beside the target, then a rename: a reader never sees half a file, and a crash leaves the old one. */
async function replace(target: string, bytes: Uint8Array, path: string): Promise<void> {
  const before = await stat(target).catch(() => undefined)
  if (before !== undefined && !before.isFile()) throw refusal("NotAFile", "write", path, "it is a folder or a device")
  const draft = `${target}.${crypto.randomUUID()}.draft`
  try {
    const file = await open(draft, "wx", before?.mode)
    try {
      await file.writeFile(bytes)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(draft, target)
  } catch (cause) {
    await rm(draft, { force: true })
    throw cause
  }
}

async function regular(real: string, path: string): Promise<{ readonly size: number }> {
  const found = await stat(real)
  // A pipe or a device could be read for ever.
  if (!found.isFile()) throw refusal("NotAFile", "read", path, "it is a folder or a device")
  return found
}

/** The folder itself, or the first one above it that exists. */
async function nearest(folder: string): Promise<string> {
  for (let at = folder; ; at = dirname(at)) {
    if (await stat(at).catch(() => undefined)) return at
    if (at === dirname(at)) return at
  }
}

async function assertInside(top: string, real: string, path: string, root: string): Promise<void> {
  const way = relative(top, real)
  if (way !== ".." && !way.startsWith(`..${sep}`) && resolve(top, way) === real) return
  throw fail("OutsideRoot", `Cannot use "${path}": a link leads out of "${root}"`, {
    data: { path, root },
    undelivered: true,
  })
}

const refusal = (code: string, action: string, path: string, why: string): Failure =>
  fail(code, `Cannot ${action} "${path}": ${why}`, { data: { path }, undelivered: true })

const CODES: Readonly<Record<string, readonly [code: string, why: string]>> = {
  ENOENT: ["MissingFile", "there is no such file or folder"],
  ENOTDIR: ["MissingFile", "a part of the path is not a folder"],
  EISDIR: ["NotAFile", "it is a folder"],
  EACCES: ["NotPermitted", "the system does not permit it"],
  EPERM: ["NotPermitted", "the system does not permit it"],
  EROFS: ["NotPermitted", "the disk is read-only"],
  ELOOP: ["NotPermitted", "its links go in a circle"],
  ENOSPC: ["DiskFull", "the disk is full"],
}

/** Runs the work; an error of the system becomes a failure with a code that is the same on every host. */
async function told<A>(action: string, path: string, work: () => Promise<A>): Promise<A> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    const name = String((cause as { code?: unknown }).code)
    const [code, why] = CODES[name] ?? ["FileError", (cause as Error).message]
    // The file is only touched by the last step, the rename; what failed did not reach it.
    throw fail(code, `Cannot ${action} "${path}": ${why}`, { data: { path }, undelivered: true, cause })
  }
}
