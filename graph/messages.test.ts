/** The pages' own examples: what is shown as wrong has the problem, what is shown as right has none. */
import { describe, expect, test } from "bun:test"
import { standardKinds } from "../nodes/mod.ts"
import { checkFile } from "./check-file.ts"
import { type Code, MESSAGES, type Message, messagePage } from "./messages.ts"

const found = (text: string): readonly string[] => {
  const whole = [
    ...(/^- |^graph:/m.test(text) ? [] : ["graph: example"]),
    text,
    ...(/^- |^output:/m.test(text) ? [] : ["output: 1"]),
  ].join("\n")
  const { problems } = checkFile({ file: "a.graph.yaml", text: whole }, { registry: standardKinds })
  return problems.map((p) => `${p.code} ${p.message}`)
}

describe("pages", () => {
  for (const [code, message] of Object.entries(MESSAGES) as [Code, Message][]) {
    test(`${code} ${message.title}`, () => {
      expect(message.page.length).toBeGreaterThan(100)
      expect(messagePage(code)).toContain(message.title)
      if (message.wrong !== undefined) {
        const codes = new Set(found(message.wrong).map((text) => text.slice(0, 4)))
        expect([...codes]).toEqual([code])
      }
      if (message.right !== undefined) expect(found(message.right)).toEqual([])
    })
  }
})
