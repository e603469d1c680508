// Budgets and fuel in whole runs: where a run is stopped, that nothing in the graph can meet it, and that it is the same
// place whether blocks are interpreted or translated, cold or warm.
import { describe, expect, test } from "bun:test"
import { type Budget, compile, Engine, openEntry } from "../mod.ts"
import { Failure, fail, type NodeKind, readGraph, registry, T, type Value } from "../graph/mod.ts"
