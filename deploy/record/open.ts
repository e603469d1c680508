/**
 * A session's recorder, over the call log of its folder. Where nothing is to be recorded, none is made, no file is opened,
 * and what it takes to learn from calls is not even loaded: most commands run without.
 */
import type { Services } from "../../graph/mod.ts"
import { systemClock } from "../services/clock.ts"
import type { Recorder } from "./recorder.ts"

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
export async function openRecorder(
  folder: string,
  always: readonly string[] = [],
  more?: RecordMore,
): Promise<OpenRecorder> {
  const tools = [...always, ...(more?.tools ?? [])]
  if (tools.length === 0)
    return { recorder: undefined, remembering: (secret) => secret, hide: () => undefined, close: () => undefined }
  const [{ openCallLog }, { Recorder }] = await Promise.all([import("./call_log.ts"), import("./recorder.ts")])
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
