// Loaded before the tests of a mutated copy: when they are through, it notes which mutants they met.
import { afterAll } from "bun:test"
import { note } from "./switch.ts"

afterAll(note)
