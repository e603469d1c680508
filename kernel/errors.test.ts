// What a refusal says: every line of it, the worst first, what to grant in one line, and no more than can be read.
import { describe, expect, test } from "bun:test"
import { AdmissionError, KernelError, kernelError, type Refusal, type RefusalReason } from "./errors.ts"

const refusal = (reason: RefusalReason, at: string, capability?: string): Refusal => ({
  path: [at],
  gate: "granted",
  reason,
  message: `says ${at}`,
  fix: `Mend ${at}`,
  ...(capability === undefined ? {} : { capability }),
})

describe("a refused plan", () => {
  test("names its worst refusal, and how to mend each, but for what is granted in one line", () => {
    const error = AdmissionError.of("shop", [
      refusal("not-granted", "a", "net:b"),
      refusal("narrowed", "b"),
      refusal("not-granted", "c", "net:a"),
      refusal("not-granted", "d", "net:b"),
    ])
    expect(error.reason).toBe("narrowed")
    expect(error.refusals).toHaveLength(4)
    expect(error.message).toBe(
      [
        'Cannot admit plan "shop":',
        "  a: says a",
        "  b: says b. Mend b",
        "  c: says c",
        "  d: says d",
        "  To grant what is missing, add: --grant net:a --grant net:b",
      ].join("\n"),
    )
    expect(AdmissionError.of("shop", [refusal("narrowed", "b")]).message).toBe(
      'Cannot admit plan "shop":\n  b: says b. Mend b',
    )
  })

  test("says fifty lines and how many more there are", () => {
    const many = (n: number) =>
      AdmissionError.of(
        "shop",
        Array.from({ length: n }, (_, i) => refusal("flow", `n${i}`)),
      ).message.split("\n")
    expect(many(50)).toHaveLength(51)
    expect(many(50).at(-1)).toBe("  n49: says n49. Mend n49")
    expect(many(51).slice(50)).toEqual(["  n49: says n49. Mend n49", "  and 1 more"])
    expect(many(80).at(-1)).toBe("  and 30 more")
  })

  test("has the reason that is the worst sign, whatever comes first", () => {
    const worst = (...reasons: RefusalReason[]) =>
      AdmissionError.of(
        "p",
        reasons.map((r) => refusal(r, "x")),
      ).reason
    expect(worst("not-granted", "claims-less", "claims-other")).toBe("claims-less")
    expect(worst("flow", "not-validated", "judges-itself")).toBe("judges-itself")
    expect(worst("not-granted", "forged-grants")).toBe("forged-grants")
  })
})

test("a kernel error has a cause where there is one, and none where there is not", () => {
  const cause = new TypeError("disk")
  expect(kernelError("full", "no room", cause)).toMatchObject({ _tag: "KernelError", reason: "full", cause })
  const plain = kernelError("full", "no room")
  expect(plain).toBeInstanceOf(KernelError)
  expect(Object.hasOwn(plain, "cause")).toBe(false)
  expect([plain.message, plain.cause]).toEqual(["no room", undefined])
})
