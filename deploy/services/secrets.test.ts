/** Which names are looked up in the environment, and what counts as not being there. */
import { expect, test } from "bun:test"
import { secretsFrom } from "./secrets.ts"

test("a secret is a variable of that name, and only names of the form of a variable are looked up", () => {
  const secret = secretsFrom({ SHOP_KEY: "k", EMPTY: "", path: "x", "A-B": "y" })
  expect(secret("SHOP_KEY")).toBe("k")
  for (const name of ["EMPTY", "OTHER", "path", "A-B", "", "__proto__", "constructor"])
    expect(secret(name)).toBe(undefined)
})
