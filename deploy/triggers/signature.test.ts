/** Signatures against the senders' own published examples and against an HMAC made by another implementation. */
import { describe, expect, test } from "bun:test"
import { createHmac } from "node:crypto"
import { SCHEMES, type Scheme, verifySignature } from "./signature.ts"

const bytes = (text: string) => new TextEncoder().encode(text)
const NOW = 1_614_265_330_000

const verified = (
  scheme: Scheme,
  secret: string,
  headers: { readonly [name: string]: string },
  body: string,
  now = NOW,
) =>
  verifySignature({
    scheme,
    keys: [scheme.key(secret)!],
    header: (name) => headers[name],
    body: bytes(body),
    now,
    toleranceMs: 300_000,
  })

test("the example of GitHub's documentation", async () => {
  const signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
  const headers = { "x-hub-signature-256": signature }
  expect(await verified(SCHEMES["github"]!, "It's a Secret to Everybody", headers, "Hello, World!")).toBeUndefined()
  expect(await verified(SCHEMES["github"]!, "It's a Secret to everybody", headers, "Hello, World!")).toBe(
    "signature-wrong",
  )
  expect(await verified(SCHEMES["github"]!, "It's a Secret to Everybody", headers, "Hello, World?")).toBe(
    "signature-wrong",
  )
})

test("the example of the Standard Webhooks libraries", async () => {
  const headers = {
    "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
    "webhook-timestamp": "1614265330",
    "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
  }
  const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
  const body = '{"test": 2432232314}'
  const standard = SCHEMES["standard"]!
  expect(await verified(standard, secret, headers, body)).toBeUndefined()
  expect(await verified(standard, secret, { ...headers, "webhook-id": "msg_other" }, body)).toBe("signature-wrong")
  const two = { ...headers, "webhook-signature": `v1,${btoa("x".repeat(32))} v2,abc ${headers["webhook-signature"]}` }
  expect(await verified(standard, secret, two, body)).toBeUndefined()
})

const hex = (secret: string, text: string) => createHmac("sha256", secret).update(text).digest("hex")
const stripe = (secret: string, body: string, t = NOW / 1000) => `t=${t},v1=${hex(secret, `${t}.${body}`)}`

describe("Stripe's form", () => {
  const scheme = SCHEMES["stripe"]!
  const check = (header: string, now = NOW) => verified(scheme, "whsec_a", { "stripe-signature": header }, "{}", now)

  test("is right with any of the signatures that it carries, and only over the time that it states", async () => {
    expect(await check(stripe("whsec_a", "{}"))).toBeUndefined()
    expect(await check(`${stripe("whsec_b", "{}")},v1=${hex("whsec_a", `${NOW / 1000}.{}`)},v0=00`)).toBeUndefined()
    expect(await check(stripe("whsec_b", "{}"))).toBe("signature-wrong")
    expect(await check(stripe("whsec_a", "{}").replace("t=1614265330", "t=1614265331"))).toBe("signature-wrong")
  })

  test("is good for as long as clocks may differ, before and after", async () => {
    for (const [seconds, fault] of [
      [-300, undefined],
      [300, undefined],
      [-301, "signature-old"],
      [301, "signature-old"],
    ] as const)
      expect(await check(stripe("whsec_a", "{}"), NOW + seconds * 1000)).toBe(fault as undefined)
  })

  test("an old signature that is wrong is wrong: nobody learns of our clock without the secret", async () => {
    expect(await check(stripe("whsec_b", "{}"), NOW + 1e9)).toBe("signature-wrong")
  })
})

test("what is no signature is missing or wrong, and never an exception", async () => {
  const faults = new Set<unknown>()
  const words = [
    "",
    "t=",
    "t=1,v1=",
    "v1=00",
    "sha256=",
    `sha256=${"0".repeat(63)}`,
    `sha256=${"g".repeat(64)}`,
    "v1,",
    "v1,=",
    "v1,a",
    `v1,${"a=".repeat(20)}`,
    "t=1,t=2,v1=0",
    ",".repeat(5000),
    `t=1,${`v1=${"0".repeat(64)},`.repeat(500)}`,
  ]
  for (const [name, scheme] of Object.entries(SCHEMES))
    for (const word of words) {
      const headers = {
        "x-hub-signature-256": word,
        "stripe-signature": word,
        "webhook-id": "a",
        "webhook-timestamp": "1614265330",
        "webhook-signature": word,
      }
      const fault = await verified(scheme, "c2VjcmV0", headers, "{}")
      expect([name, word, fault]).toEqual([name, word, "signature-wrong"])
      faults.add(fault)
      expect(await verified(scheme, "c2VjcmV0", {}, "{}")).toBe("signature-missing")
    }
  expect([...faults]).toEqual(["signature-wrong"])
})
