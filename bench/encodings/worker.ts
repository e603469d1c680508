// A thread of `bench/encodings.ts`: trains what it is sent, one after another, and sends back the scores.
import { parentPort } from "node:worker_threads"
import { type Job, run } from "./run.ts"

parentPort?.on("message", (job: Job) => parentPort?.postMessage({ job, score: run(job) }))
