/**
 * Files below a root, on a host with a file system. The words of a path were judged by the node; this looks at what is
 * really on the disk: a symbolic link that leads out of the root is refused, and a write replaces a file in one step.
 */
import { mkdir, open, realpath, rename, rm, stat } from "node:fs/promises"
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path"
import { Failure, type Files, fail } from "../../graph/mod.ts"

/** @param base The graph file's folder, from which relative paths count. */
export function fileService(base: string): Files {
  return {
    read: (path, { root, bytesMax }) =>
      told("read", path, async () => {
        const real = await realpath(resolve(base, path))
        assertInside(await rootOf(base, root, path), real, path, root)
        const { size } = await regular(real, path)
        const bytes = size > bytesMax ? undefined : await contents(real)
        if (bytes !== undefined && bytes.length <= bytesMax) return bytes
        throw refusal("TooLarge", "read", path, `it has ${bytes?.length ?? size} bytes, wanted at most ${bytesMax}`)
      }),
    write: (path, bytes, { root }) =>
      told("write", path, async () => {
        const folder = dirname(resolve(base, path))
        // Checked before anything is made: folders below a link would be made where the link leads.
        assertInside(await rootOf(base, root, path), await realOf(folder), path, root)
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

/**
 * Where the root really is; it need not exist yet. A root below the graph's folder is there in truth and not by a link:
 * the grant that covers it may be one for a folder above.
 */
async function rootOf(base: string, root: string, path: string): Promise<string> {
  const folder = resolve(base, root)
  const real = await realOf(folder)
  if (!isAbsolute(root) && real !== resolve(await realpath(base), relative(base, folder))) throw outside(path, root)
  return real
}

/** The folder with its links followed, as far as it exists. */
async function realOf(folder: string): Promise<string> {
  const there = await nearest(folder)
  return resolve(await realpath(there), relative(there, folder))
}

function assertInside(top: string, real: string, path: string, root: string): void {
  const way = relative(top, real)
  if (way !== ".." && !way.startsWith(`..${sep}`) && resolve(top, way) === real) return
  throw outside(path, root)
}

const outside = (path: string, root: string): Failure =>
  fail("OutsideRoot", `Cannot use "${path}": a link leads out of "${root}"`, {
    data: { path, root },
    undelivered: true,
  })

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
