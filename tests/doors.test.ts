// Guards the public surface: the exports of every room's door are those that doors.txt lists.
import { expect, test } from "bun:test"
import { doors, doorsFile } from "./doors.ts"
import { read } from "./repository.ts"

test("the doors let out what doors.txt lists; `npm run generate` writes it anew", () => {
  expect(doors()).toBe(read(doorsFile))
})
