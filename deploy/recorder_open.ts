/** A session's recorder, over the call log of its folder. Where nothing is to be recorded, none is made and no file is opened. */
import { existsSync, mkdirSync, writeFileSync } from "node:fs"
import { dirname, join } from "node:path"
import type { Services } from "../graph/mod.ts"
import { type CallLog, learnError } from "../learn/mod.ts"
import { callLogFile, FileCallLog } from "./call_log.ts"
import { Recorder } from "./recorder.ts"
import { systemClock } from "./services/clock.ts"

export interface OpenRecorder {
  readonly recorder: Recorder | undefined
  /** The source of secrets, whose values are kept out of the log from the moment on that somebody has asked for them. */
  readonly remembering: (secret: NonNullable<Services["secret"]>) => NonNullable<Services["secret"]>
  /** Keeps this out of the log from now on. */
  readonly hide: (secret: string) => void
  readonly close: () => void
}

/** What a session records beside what its project says. */
export interface RecordMore {
  readonly tools: readonly string[]
  /** Is told of every call that was recorded. */
  readonly heard?: () => void
}

/** Fails with `LearnError` (`version`, `log`) where the folder's log cannot be used. */
export function openRecorder(folder: string, always: readonly string[] = [], more?: RecordMore): OpenRecorder {
  const tools = [...always, ...(more?.tools ?? [])]
  if (tools.length === 0)
    return { recorder: undefined, remembering: (secret) => secret, hide: () => undefined, close: () => undefined }
  const log = openCallLog(folder)
  const words = new Set<string>()
  const hide = (secret: string) => {
    if (secret.length >= SECRET_CHARS_MIN) words.add(secret)
  }
  return {
    recorder: new Recorder({ log, clock: systemClock, tools, words: () => [...words], heard: more?.heard }),
    remembering: (secret) => (name) => {
      const value = secret(name)
      if (value !== undefined) hide(value)
      return value
    },
    hide,
    close: () => log.close(),
  }
}

/** A shorter secret is part of too many texts to be blotted out of them. */
const SECRET_CHARS_MIN = 4

/** The call log of a folder; makes it where there is none. Fails with `LearnError`. */
export function openCallLog(folder: string): CallLog & { readonly damage: () => string | null } {
  const file = callLogFile(folder)
  try {
    mkdirSync(dirname(file), { recursive: true })
    const ignore = join(dirname(file), ".gitignore")
    if (!existsSync(ignore)) writeFileSync(ignore, "*\n")
  } catch (cause) {
    throw learnError("log", `Cannot make the folder of the call log "${file}": ${(cause as Error).message}`, cause)
  }
  return new FileCallLog({ file })
}
