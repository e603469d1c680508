/** What cannot be read, written or used of a project, and what the system said about it, in words. */
import * as Data from "effect/Data"
import type { Problem } from "../../graph/mod.ts"

/** A file of the project that cannot be read, or says what it must not say. */
export class ProjectError extends Data.TaggedError("ProjectError")<{
  readonly reason: "unreadable" | "project-file" | "lock" | "kind" | "unwritable"
  readonly message: string
  /** Of a lock, and of what starts runs by itself: every problem with its place. */
  readonly problems?: readonly Problem[]
  /** The texts that the places of `problems` point into. */
  readonly sources?: ReadonlyMap<string, string>
  readonly cause?: unknown
}> {}

/** What the system said, in words, without the call's own name and the path again. */
export function why(cause: unknown): string {
  const { code, message } = cause as NodeJS.ErrnoException
  return (code !== undefined && WORDS[code]) || message || String(cause)
}
const WORDS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EACCES: "permission denied",
  EPERM: "permission denied",
  EISDIR: "it is a folder",
  ENOTDIR: "a part of the path is no folder",
  EROFS: "the disk is read-only",
  ENOSPC: "the disk is full",
  EEXIST: "something else of that name is there",
  EADDRINUSE: "the port is in use",
}
