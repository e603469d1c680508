/**
 * The runtimes and trainers that shadows are measured against: onnxruntime-node, onnxruntime-web, jax-js and tfjs, each as
 * its documentation uses it, with the weights and examples that ours have.
 */
import { spawnSync } from "node:child_process"
import { createRequire } from "node:module"
import { dirname, join } from "node:path"
import { pathToFileURL } from "node:url"
import * as jax from "@jax-js/jax"
import * as native from "onnxruntime-node"
import * as web from "onnxruntime-web"
import type { Group, Mlp } from "../shadow/mod.ts"

/** One row of features in, its logits out. */
export interface Caller {
  readonly name: string
  readonly call: (x: Float32Array) => Promise<Float32Array> | Float32Array
}

const np = jax.numpy

/** The runtimes on a file, each with one thread: more only cost a single call time. */
export async function callers(file: Uint8Array, mlp: Mlp): Promise<readonly Caller[]> {
  const threads = { intraOpNumThreads: 1, interOpNumThreads: 1 }
  const onNative = await native.InferenceSession.create(file, threads)
  web.env.wasm.numThreads = 1
  const onWeb = await web.InferenceSession.create(file, threads)
  const forward = jax.jit((p: Jax[], x: jax.Array) => layers(p, x))
  const p = parametersOf(mlp)
  return [
    {
      name: "onnxruntime-node",
      call: async (x) =>
        (await onNative.run({ x: new native.Tensor("float32", x, [1, x.length]) }))["y"]!.data as Float32Array,
    },
    {
      name: "onnxruntime-web",
      call: async (x) =>
        (await onWeb.run({ x: new web.Tensor("float32", x, [1, x.length]) }))["y"]!.data as Float32Array,
    },
    {
      name: "jax-js",
      call: (x) =>
        forward(jax.tree.ref(p), np.array(Float32Array.from(x)).reshape([1, x.length])).dataSync() as Float32Array,
    },
  ]
}

/** onnxruntime-node on a batch, with as many threads as it likes. */
export async function nativeBatch(file: Uint8Array) {
  const session = await native.InferenceSession.create(file)
  return async (x: Float32Array, rows: number): Promise<Float32Array> =>
    (await session.run({ x: new native.Tensor("float32", x, [rows, x.length / rows]) }))["y"]!.data as Float32Array
}

/** One step of training on a batch; gives the mean loss of a row before it. */
export interface Learner {
  readonly name: string
  readonly key: string
  readonly step: (x: Float32Array, wanted: Float32Array) => number
}

export interface Learning {
  readonly mlp: Mlp
  readonly groups: readonly Group[]
  readonly batch: number
  readonly rate: number
}

type Jax = { w: jax.Array; b: jax.Array }

const parametersOf = ({ widths, weights, biases }: Mlp): Jax[] =>
  weights.map((w, l) => ({
    w: np.array(Float32Array.from(w)).reshape([widths[l]!, widths[l + 1]!]),
    b: np.array(Float32Array.from(biases[l]!)),
  }))

function layers(p: readonly Jax[], x: jax.Array): jax.Array {
  let h = x
  for (const [l, { w, b }] of p.entries()) {
    h = np.matmul(h, w).add(b)
    if (l < p.length - 1) h = jax.nn.relu(h)
  }
  return h
}

/** Adam as the documentation of jax-js writes it, all of a step in one jit. */
export function jaxLearner({ mlp, groups, batch, rate }: Learning): Learner {
  const loss = (p: Jax[], x: jax.Array, y: jax.Array) => {
    const cuts = groups.slice(1).map((g) => g.at)
    const logs = np.split(layers(p, x), cuts, 1).map((z) => jax.nn.logSoftmax(z, 1))
    return np
      .concatenate(logs, 1)
      .mul(y)
      .sum()
      .mul(-1 / batch)
  }
  const gradient = jax.valueAndGrad(loss)
  const step = jax.jit((p: Jax[], m: Jax[], v: Jax[], x: jax.Array, y: jax.Array, hp: jax.Array) => {
    const [l, g] = gradient(jax.tree.ref(p), x, y)
    const m2 = jax.tree.map((a: jax.Array, b: jax.Array) => a.mul(0.9).add(b.mul(0.1)), m, jax.tree.ref(g))
    const v2 = jax.tree.map((a: jax.Array, b: jax.Array) => a.mul(0.999).add(b.ref.mul(b).mul(0.001)), v, g)
    const [lr, c2] = np.split(hp, [1]) as [jax.Array, jax.Array]
    const p2 = jax.tree.map(
      (w: jax.Array, mm: jax.Array, vv: jax.Array) => w.sub(mm.mul(lr.ref).div(np.sqrt(vv.mul(c2.ref)).add(1e-8))),
      p,
      jax.tree.ref(m2),
      jax.tree.ref(v2),
    )
    lr.dispose()
    c2.dispose()
    return [p2, m2, v2, l] as [Jax[], Jax[], Jax[], jax.Array]
  })
  let p = parametersOf(mlp)
  const zeros = () => jax.tree.map((a: jax.Array) => np.zerosLike(a), jax.tree.ref(p)) as Jax[]
  let [m, v] = [zeros(), zeros()]
  let t = 0
  return {
    name: "jax-js (wasm)",
    key: "jax",
    step(x, wanted) {
      t++
      const hp = np.array(Float32Array.of(rate / (1 - 0.9 ** t), 1 / (1 - 0.999 ** t)))
      const [inputs, outputs] = [x.length / batch, wanted.length / batch]
      const [p2, m2, v2, l] = step(
        p,
        m,
        v,
        np.array(Float32Array.from(x)).reshape([batch, inputs]),
        np.array(Float32Array.from(wanted)).reshape([batch, outputs]),
        hp,
      )
      ;[p, m, v] = [p2, m2, v2]
      return l.item()
    },
  }
}

const PEERS = join(import.meta.dirname, "peers")

// The peers have types of their own, but not installed where the type checker looks.
// biome-ignore lint/suspicious/noExplicitAny: see above
type Any = any

/** tfjs on its WASM backend, with its own Adam. Lives in bench/peers, and is installed there by this bench alone. */
export async function tfjsLearner({ mlp, groups, batch, rate }: Learning): Promise<Learner> {
  const require = createRequire(join(PEERS, "package.json"))
  const find = (name: string): string => {
    try {
      return require.resolve(name)
    } catch {
      console.log("installing peers into bench/peers …")
      spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], { cwd: PEERS, stdio: "inherit" })
      return require.resolve(name)
    }
  }
  const tf: Any = require(find("@tensorflow/tfjs-core"))
  const backend = find("@tensorflow/tfjs-backend-wasm")
  const { setWasmPaths }: Any = require(backend)
  await import(pathToFileURL(join(dirname(find("@tensorflow/tfjs-core")), "register_all_gradients.js")).href)
  const fetched = globalThis.fetch
  // It fetches its .wasm by a path; Bun's fetch reads files where they are said to be files.
  globalThis.fetch = ((at: string, ...rest: []) =>
    fetched(at.startsWith("/") ? pathToFileURL(at).href : at, ...rest)) as typeof fetch
  setWasmPaths(`${dirname(backend)}/`)
  await tf.setBackend("wasm")
  await tf.ready()
  globalThis.fetch = fetched
  const { widths, weights, biases } = mlp
  const ws = weights.map((w, l) => tf.variable(tf.tensor2d(Float32Array.from(w), [widths[l]!, widths[l + 1]!])))
  const bs = biases.map((b) => tf.variable(tf.tensor1d(Float32Array.from(b))))
  const adam = tf.train.adam(rate)
  return {
    name: "tfjs (wasm)",
    key: "tfjs",
    step: (x, wanted) =>
      tf.tidy(() => {
        const input = tf.tensor2d(x, [batch, widths[0]!])
        const y = tf.tensor2d(wanted, [batch, widths.at(-1)!])
        const cost = adam.minimize(
          () => {
            let h = input
            for (const [l, w] of ws.entries()) {
              h = tf.add(tf.matMul(h, w), bs[l])
              if (l < ws.length - 1) h = tf.relu(h)
            }
            const parts = groups.map((g) => tf.logSoftmax(tf.slice(h, [0, g.at], [batch, g.size])))
            return tf.mul(tf.sum(tf.mul(tf.concat(parts, 1), y)), -1 / batch)
          },
          true,
          [...ws, ...bs],
        )
        return cost.dataSync()[0] as number
      }),
  }
}
