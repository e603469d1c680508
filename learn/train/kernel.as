// The arithmetic of training, in AssemblyScript: forward, loss, backward and Adam over one block of rows. `npm run
// generate` compiles it to kernel.wasm.ts. The order of every sum is fixed, exp and log are polynomials of + − × ÷, no
// relaxed instruction is used: the same examples and seed give the same weights, to the bit, on every host.
//
// A net lies in memory as 32-bit words (memory.ts writes them):
//
//   0 layers   1 rows of the first layer: address   2 stride of such a row   3 spans: address   4 spans: count
//   5 terms: address   6 features: address   7 bytes of one row of features   8 states: address   9 states of one row
//   10 layers: address   11 from a parameter to its gradient, in bytes   12 whether inputs are states
//   13 groups: address   14 groups: count   15 targets: address   16 scratch of one row: address
//   17 zeros: address   18 turned activations   19 packed deltas   20 turned weights
//
// A span is {first input, inputs, table, kind} as in the kernel of inference: 0 one-hot or anything, 1 a thermometer whose
// prefix sums lie in a table, 2 one without. A layer is {inputs, columns, weights, biases, in, out, delta, panel bytes,
// outputs, 0, 0, 0}: columns are outputs padded to 16, weights of the first layer lie in rows and all others in panels of
// 16 columns. A group is {first logit, size}; of size 1 it is a logit of its own (class 1 above 0), else a softmax.

const ROW: usize = 64
const LAYER: usize = 48
/** A target that was not asked for: it has no loss. */
const NONE: u32 = 0xffff

function word(net: usize, at: i32): usize {
  return load<u32>(net + (<usize>at << 2))
}

// ── the first layer ──────────────────────────────────────────────────────────────────────────────────────────────────

function term(to: usize, row: usize, factor: f32): usize {
  store<u32>(to, <u32>row)
  store<f32>(to, factor, 4)
  return to + 8
}

/** How many beads of a span are 1, when it shows a thermometer's state; −1 otherwise. Reads up to 12 bytes past the span. */
function level(x: usize, beads: i32): i32 {
  let ones: u32 = 0
  let zeros: u32 = 0
  for (let q = 0; q < beads; q += 4) {
    const v = v128.load(x + (<usize>q << 2))
    ones |= <u32>i32x4.bitmask(f32x4.eq(v, f32x4.splat(1))) << q
    zeros |= <u32>i32x4.bitmask(f32x4.eq(v, f32x4.splat(0))) << q
  }
  const all: u32 = beads == 32 ? 0xffffffff : (<u32>1 << beads) - 1
  ones &= all
  zeros &= all
  return (ones & (ones + 1)) == 0 && (ones | zeros) == all ? <i32>popcnt(ones) : -1
}

/** What a row of inputs adds up in the first layer: {address of a row of weights or of a table, factor}. */
function termsOf(net: usize, r: i32): usize {
  const stride = word(net, 2)
  const rows = word(net, 1)
  const ofStates = word(net, 12) != 0
  let to = word(net, 5)
  let span = word(net, 3)
  let x = word(net, 6) + <usize>r * word(net, 7)
  let state = word(net, 8) + (<usize>r * word(net, 9) << 1)
  for (let s = <i32>word(net, 4); s > 0; s--) {
    const count = load<i32>(span, 4)
    const kind = load<u32>(span, 12)
    const row = rows + <usize>load<u32>(span) * stride
    if (ofStates) {
      const v = <usize>load<u16>(state)
      if (kind == 0) to = term(to, row + v * stride, 1)
      else if (kind == 2) for (let i: usize = 0; i < v; i++) to = term(to, row + i * stride, 1)
      else if (v > 0) to = term(to, <usize>load<u32>(span, 8) + (v - 1) * stride, 1)
      state += 2
    } else {
      const v = kind == 1 ? level(x, count) : -1
      if (v > 0) to = term(to, <usize>load<u32>(span, 8) + <usize>(v - 1) * stride, 1)
      else if (v < 0) {
        for (let i = 0; i < count; i++) {
          const f = load<f32>(x + (<usize>i << 2))
          if (f != 0) to = term(to, row + <usize>i * stride, f)
        }
      }
      x += <usize>count << 2
    }
    span += 16
  }
  return to
}

/** Prefix sums of the rows of every thermometer, as the weights are now. */
function fillTables(net: usize): void {
  const stride = word(net, 2)
  let span = word(net, 3)
  for (let s = <i32>word(net, 4); s > 0; s--) {
    if (load<u32>(span, 12) == 1) {
      let row = word(net, 1) + <usize>load<u32>(span) * stride
      let to = <usize>load<u32>(span, 8)
      memory.copy(to, row, stride)
      for (let q = load<i32>(span, 4) - 1; q > 0; q--) {
        row += stride
        for (let j: usize = 0; j < stride; j += 16) {
          v128.store(to + stride + j, f32x4.add(v128.load(to + j), v128.load(row + j)))
        }
        to += stride
      }
    }
    span += 16
  }
}

function firstForward(net: usize, rows: i32): void {
  fillTables(net)
  const layer = word(net, 10)
  const columns = word(layer, 1)
  const relu = <i32>word(net, 0) > 1
  const terms = word(net, 5)
  const zero = f32x4.splat(0)
  let out = word(layer, 5)
  for (let r = 0; r < rows; r++) {
    const end = termsOf(net, r)
    let bias = word(layer, 3)
    for (let offset: usize = 0; offset < columns << 2; offset += ROW) {
      let a0 = v128.load(bias), a1 = v128.load(bias, 16), a2 = v128.load(bias, 32), a3 = v128.load(bias, 48)
      for (let t = terms; t < end; t += 8) {
        const p = <usize>load<u32>(t) + offset
        const x = v128.load_splat<u32>(t, 4)
        a0 = f32x4.add(a0, f32x4.mul(x, v128.load(p)))
        a1 = f32x4.add(a1, f32x4.mul(x, v128.load(p, 16)))
        a2 = f32x4.add(a2, f32x4.mul(x, v128.load(p, 32)))
        a3 = f32x4.add(a3, f32x4.mul(x, v128.load(p, 48)))
      }
      if (relu) {
        a0 = f32x4.max(a0, zero); a1 = f32x4.max(a1, zero); a2 = f32x4.max(a2, zero); a3 = f32x4.max(a3, zero)
      }
      v128.store(out, a0); v128.store(out, a1, 16); v128.store(out, a2, 32); v128.store(out, a3, 48)
      bias += ROW
      out += ROW
    }
  }
}

/** Gradients of the first layer: every row adds its delta where its terms are; then what lies in tables goes to the rows. */
function firstBackward(net: usize, rows: i32): void {
  const layer = word(net, 10)
  const stride = word(net, 2)
  const gradient = word(net, 11)
  const terms = word(net, 5)
  memory.fill(word(net, 1) + gradient, 0, word(layer, 0) * stride)
  let span = word(net, 3)
  for (let s = <i32>word(net, 4); s > 0; s--) {
    if (load<u32>(span, 12) == 1) memory.fill(<usize>load<u32>(span, 8) + gradient, 0, <usize>load<u32>(span, 4) * stride)
    span += 16
  }
  let delta = word(layer, 6)
  for (let r = 0; r < rows; r++) {
    const end = termsOf(net, r)
    for (let t = terms; t < end; t += 8) {
      const to = <usize>load<u32>(t) + gradient
      const x = v128.load_splat<u32>(t, 4)
      for (let j: usize = 0; j < stride; j += 64) {
        v128.store(to + j, f32x4.add(v128.load(to + j), f32x4.mul(x, v128.load(delta + j))))
        v128.store(to + j, f32x4.add(v128.load(to + j, 16), f32x4.mul(x, v128.load(delta + j, 16))), 16)
        v128.store(to + j, f32x4.add(v128.load(to + j, 32), f32x4.mul(x, v128.load(delta + j, 32))), 32)
        v128.store(to + j, f32x4.add(v128.load(to + j, 48), f32x4.mul(x, v128.load(delta + j, 48))), 48)
      }
    }
    delta += stride
  }
  span = word(net, 3)
  for (let s = <i32>word(net, 4); s > 0; s--) {
    if (load<u32>(span, 12) == 1) fromTable(net, span)
    span += 16
  }
}

/** Row q of the weights is in every table row from q on: its gradient is the sum of theirs. */
function fromTable(net: usize, span: usize): void {
  const stride = word(net, 2)
  const gradient = word(net, 11)
  const last = <usize>load<u32>(span, 4) - 1
  for (let j: usize = 0; j < stride; j += 16) {
    let from = <usize>load<u32>(span, 8) + gradient + last * stride + j
    let to = word(net, 1) + gradient + (<usize>load<u32>(span) + last) * stride + j
    let sum = f32x4.splat(0)
    for (let q = last + 1; q > 0; q--) {
      sum = f32x4.add(sum, v128.load(from))
      v128.store(to, f32x4.add(v128.load(to), sum))
      from -= stride
      to -= stride
    }
  }
}

// ── dense layers ─────────────────────────────────────────────────────────────────────────────────────────────────────

/** After a product: nothing, a ReLU, or only where `mask` is above 0, which is the ReLU's derivative. */
function ended(sum: v128, relu: bool, mask: usize): v128 {
  if (relu) return f32x4.max(sum, f32x4.splat(0))
  return mask == 0 ? sum : v128.and(sum, f32x4.gt(v128.load(mask), f32x4.splat(0)))
}

/**
 * Two rows times a panel of 16 columns: to[i] = bias + Σk a[i][k] × w[k]. Eight sums stay in registers, which is what x86
 * has room for beside the weights. `next` is how far the second row is from the first, in `a` and in `to`.
 */
function tile(a: usize, nextA: usize, w: usize, count: i32, bias: usize, to: usize, nextTo: usize, relu: bool, mask: usize): void {
  let a0 = v128.load(bias), a1 = v128.load(bias, 16), a2 = v128.load(bias, 32), a3 = v128.load(bias, 48)
  let b0 = a0, b1 = a1, b2 = a2, b3 = a3
  const end = a + (<usize>count << 2)
  let b = a + nextA
  for (; a < end; a += 4) {
    const w0 = v128.load(w), w1 = v128.load(w, 16), w2 = v128.load(w, 32), w3 = v128.load(w, 48)
    const x = v128.load_splat<u32>(a)
    a0 = f32x4.add(a0, f32x4.mul(x, w0))
    a1 = f32x4.add(a1, f32x4.mul(x, w1))
    a2 = f32x4.add(a2, f32x4.mul(x, w2))
    a3 = f32x4.add(a3, f32x4.mul(x, w3))
    const y = v128.load_splat<u32>(b)
    b0 = f32x4.add(b0, f32x4.mul(y, w0))
    b1 = f32x4.add(b1, f32x4.mul(y, w1))
    b2 = f32x4.add(b2, f32x4.mul(y, w2))
    b3 = f32x4.add(b3, f32x4.mul(y, w3))
    b += 4
    w += ROW
  }
  if (relu || mask != 0) {
    a0 = ended(a0, relu, mask); a1 = ended(a1, relu, mask + 16); a2 = ended(a2, relu, mask + 32); a3 = ended(a3, relu, mask + 48)
    mask += nextTo
    b0 = ended(b0, relu, mask); b1 = ended(b1, relu, mask + 16); b2 = ended(b2, relu, mask + 32); b3 = ended(b3, relu, mask + 48)
  }
  v128.store(to, a0); v128.store(to, a1, 16); v128.store(to, a2, 32); v128.store(to, a3, 48)
  to += nextTo
  v128.store(to, b0); v128.store(to, b1, 16); v128.store(to, b2, 32); v128.store(to, b3, 48)
}

function forward(net: usize, rows: i32): void {
  firstForward(net, rows)
  const layers = <i32>word(net, 0)
  for (let l = 1; l < layers; l++) {
    const layer = word(net, 10) + <usize>l * LAYER
    const inputs = <i32>word(layer, 0)
    const columns = word(layer, 1)
    const nextIn = word(layer - LAYER, 1) << 2
    const nextOut = columns << 2
    let w = word(layer, 2)
    for (let j: usize = 0; j < nextOut; j += ROW) {
      let a = word(layer, 4)
      let to = word(layer, 5) + j
      for (let r = 0; r < rows; r += 2) {
        tile(a, nextIn, w, inputs, word(layer, 3) + j, to, nextOut, l < layers - 1, 0)
        a += nextIn << 1
        to += nextOut << 1
      }
      w += word(layer, 7)
    }
  }
}

/** Four numbers of each of four rows become four numbers of each of four columns. */
function turn(from: usize, step: usize, to: usize, toStep: usize): void {
  const a = v128.load(from), b = v128.load(from + step), c = v128.load(from + 2 * step), d = v128.load(from + 3 * step)
  const ab = v128.shuffle<f32>(a, b, 0, 4, 1, 5), AB = v128.shuffle<f32>(a, b, 2, 6, 3, 7)
  const cd = v128.shuffle<f32>(c, d, 0, 4, 1, 5), CD = v128.shuffle<f32>(c, d, 2, 6, 3, 7)
  v128.store(to, v128.shuffle<f32>(ab, cd, 0, 1, 4, 5))
  v128.store(to + toStep, v128.shuffle<f32>(ab, cd, 2, 3, 6, 7))
  v128.store(to + 2 * toStep, v128.shuffle<f32>(AB, CD, 0, 1, 4, 5))
  v128.store(to + 3 * toStep, v128.shuffle<f32>(AB, CD, 2, 3, 6, 7))
}

/** Sums of the columns of a delta, into the gradient of the biases. */
function biasGradient(net: usize, layer: usize, rows: i32): void {
  const bytes = word(layer, 1) << 2
  const to = word(layer, 3) + word(net, 11)
  for (let j: usize = 0; j < bytes; j += 16) {
    let from = word(layer, 6) + j
    let sum = f32x4.splat(0)
    for (let r = 0; r < rows; r++) {
      sum = f32x4.add(sum, v128.load(from))
      from += bytes
    }
    v128.store(to + j, sum)
  }
}

/** Gradient of a layer's weights: its inputs, turned, times its delta. `rows` is a multiple of 4. */
function weightGradient(net: usize, layer: usize, rows: i32): void {
  const inputs = word(layer, 0)
  const nextIn = word(layer - LAYER, 1) << 2
  const bytes = word(layer, 1) << 2
  const turned = word(net, 18)
  const packed = word(net, 19)
  const rowBytes = <usize>rows << 2
  for (let r: usize = 0; r < <usize>rows; r += 4) {
    const from = word(layer, 4) + r * nextIn
    for (let k: usize = 0; k < nextIn >> 2; k += 4) turn(from + (k << 2), nextIn, turned + k * rowBytes + (r << 2), rowBytes)
  }
  let to = packed
  for (let j: usize = 0; j < bytes; j += ROW) {
    let from = word(layer, 6) + j
    for (let r = 0; r < rows; r++) {
      memory.copy(to, from, ROW)
      to += ROW
      from += bytes
    }
  }
  let panel = packed
  let gradient = word(layer, 2) + word(net, 11)
  for (let j: usize = 0; j < bytes; j += ROW) {
    for (let k: usize = 0; k < inputs; k += 2) {
      tile(turned + k * rowBytes, rowBytes, panel, rows, word(net, 17), gradient + k * ROW, ROW, false, 0)
    }
    panel += ROW * <usize>rows
    gradient += word(layer, 7)
  }
}

/** Delta of the layer before: this one's times the turned weights, where the activation is above 0. */
function deltaBefore(net: usize, layer: usize, rows: i32): void {
  const outputs = word(layer, 8)
  const columns = word(layer, 1)
  const before = word(layer - LAYER, 1)
  const turned = word(net, 20)
  const panelBytes = columns * ROW
  for (let n: usize = 0; n < columns; n += 4) {
    const from = word(layer, 2) + (n >> 4) * word(layer, 7) + ((n & 15) << 2)
    for (let k: usize = 0; k < before; k += 4) {
      turn(from + k * ROW, ROW, turned + (k >> 4) * panelBytes + n * ROW + ((k & 15) << 2), ROW)
    }
  }
  const next = before << 2
  for (let k: usize = 0; k < next; k += ROW) {
    let a = word(layer, 6)
    let to = word(layer - LAYER, 6) + k
    let mask = word(layer, 4) + k
    const panel = turned + (k >> 6) * panelBytes
    for (let r = 0; r < rows; r += 2) {
      tile(a, columns << 2, panel, <i32>outputs, word(net, 17), to, next, false, mask)
      a += columns << 3
      to += next << 1
      mask += next << 1
    }
  }
}

// ── loss ─────────────────────────────────────────────────────────────────────────────────────────────────────────────

/**
 * e^x for x ≤ 0 to 2 units in the last place. Cephes' polynomial (Moshier), by + − × alone. 0 below −30: beside a sum of 1
 * or more that is lost in float32 anyway, and gradients of it would soon be subnormal numbers, which processors are slow with.
 */
function exp(x: v128): v128 {
  const least = f32x4.splat(-30)
  const low = f32x4.lt(x, least)
  const y = f32x4.max(x, least)
  const n = f32x4.nearest(f32x4.mul(y, f32x4.splat(1.44269504)))
  let r = f32x4.sub(y, f32x4.mul(n, f32x4.splat(0.693359375)))
  r = f32x4.sub(r, f32x4.mul(n, f32x4.splat(-2.12194440e-4)))
  let p = f32x4.splat(1.9875691500e-4)
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.3981999507e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(8.3334519073e-3))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(4.1665795894e-2))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(1.6666665459e-1))
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(5.0000001201e-1))
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1))
  const scale = i32x4.shl(i32x4.add(i32x4.trunc_sat_f32x4_s(n), i32x4.splat(127)), 23)
  return v128.andnot(f32x4.mul(p, scale), low)
}

/** ln x for normal x > 0, to 1e-15: m in [√½, √2) and 2 artanh((m−1)/(m+1)). */
function log(x: f64): f64 {
  const bits = reinterpret<u64>(x)
  let e = <i32>((bits >> 52) & 2047) - 1023
  let m = reinterpret<f64>((bits & 0x000fffffffffffff) | 0x3ff0000000000000)
  if (m > 1.4142135623730951) {
    m *= 0.5
    e += 1
  }
  const s = (m - 1) / (m + 1)
  const z = s * s
  let p: f64 = 1.0 / 19.0
  p = p * z + 1.0 / 17.0
  p = p * z + 1.0 / 15.0
  p = p * z + 1.0 / 13.0
  p = p * z + 1.0 / 11.0
  p = p * z + 1.0 / 9.0
  p = p * z + 1.0 / 7.0
  p = p * z + 1.0 / 5.0
  p = p * z + 1.0 / 3.0
  p = p * z + 1.0
  return <f64>e * 0.6931471805599453 + 2.0 * s * p
}

/** Writes exp(logit − largest of its group), or exp(−|logit|) of a group of one, over a row of scratch. */
function exponentials(net: usize, logits: usize, columns: usize): void {
  const scratch = word(net, 16)
  let group = word(net, 13)
  for (let g = <i32>word(net, 14); g > 0; g--) {
    const at = <usize>load<u32>(group) << 2
    const size = load<i32>(group, 4)
    if (size == 1) store<f32>(scratch + at, -abs<f32>(load<f32>(logits + at)))
    else {
      let top = load<f32>(logits + at)
      for (let i = 1; i < size; i++) top = max<f32>(top, load<f32>(logits + at + (<usize>i << 2)))
      for (let i = 0; i < size; i++) {
        const j = at + (<usize>i << 2)
        store<f32>(scratch + j, load<f32>(logits + j) - top)
      }
    }
    group += 8
  }
  for (let j: usize = 0; j < columns << 2; j += 16) v128.store(scratch + j, exp(v128.load(scratch + j)))
}

/** Rows and groups whose highest logit is the target's, of the last call of `loss`. */
let rightRows: i32 = 0
let rightGroups: i32 = 0
let askedGroups: i32 = 0

/** Sum of the cross-entropies of all groups of all rows, in nats; writes their derivative, times `scale`, as the last delta. */
function loss(net: usize, rows: i32, scale: f32): f64 {
  const layer = word(net, 10) + <usize>(<i32>word(net, 0) - 1) * LAYER
  const columns = word(layer, 1)
  const groups = <i32>word(net, 14)
  const scratch = word(net, 16)
  let logits = word(layer, 5)
  let delta = word(layer, 6)
  let target = word(net, 15)
  let sum: f64 = 0
  rightRows = rightGroups = askedGroups = 0
  for (let r = 0; r < rows; r++) {
    exponentials(net, logits, columns)
    memory.fill(delta, 0, columns << 2)
    let group = word(net, 13)
    let wrong = 0
    for (let g = 0; g < groups; g++) {
      const want = <u32>load<u16>(target)
      const at = <usize>load<u32>(group) << 2
      const size = load<i32>(group, 4)
      target += 2
      group += 8
      if (want == NONE) continue
      askedGroups++
      if (size == 1) {
        const z = load<f32>(logits + at)
        const e = load<f32>(scratch + at)
        const p: f32 = (z >= 0 ? <f32>1 : e) / (<f32>1 + e)
        store<f32>(delta + at, (p - <f32>want) * scale)
        sum += <f64>max<f32>(z, 0) - (want != 0 ? <f64>z : 0) + log(1.0 + <f64>e)
        if ((z > 0) == (want != 0)) rightGroups++
        else wrong = 1
        continue
      }
      let total: f32 = 0
      let best = 0
      for (let i = 0; i < size; i++) {
        const e = load<f32>(scratch + at + (<usize>i << 2))
        total += e
        if (load<f32>(logits + at + (<usize>i << 2)) > load<f32>(logits + at + (<usize>best << 2))) best = i
      }
      const part: f32 = scale / total
      for (let i = 0; i < size; i++) {
        const j = at + (<usize>i << 2)
        store<f32>(delta + j, load<f32>(scratch + j) * part)
      }
      const j = at + (<usize>want << 2)
      store<f32>(delta + j, load<f32>(delta + j) - scale)
      // The largest logit is among the total as 1, so what is left is finite however unlikely the target is.
      let top = load<f32>(logits + at + (<usize>best << 2))
      sum += log(<f64>total) - (<f64>load<f32>(logits + j) - <f64>top)
      if (best == <i32>want) rightGroups++
      else wrong = 1
    }
    rightRows += 1 - wrong
    logits += columns << 2
    delta += columns << 2
  }
  return sum
}

export function right(): i32 {
  return rightRows
}
export function rightOfGroups(): i32 {
  return rightGroups
}
export function asked(): i32 {
  return askedGroups
}

/** Forward and loss. Rows between `rows` and the next multiple of 4 are computed as well, and count for nothing. */
export function look(net: usize, rows: i32): f64 {
  forward(net, (rows + 3) & ~3)
  return loss(net, rows, 1)
}

/** Forward, loss and all gradients of its sum divided by `rows`. */
export function learn(net: usize, rows: i32): f64 {
  const padded = (rows + 3) & ~3
  forward(net, padded)
  const sum = loss(net, rows, <f32>1 / <f32>rows)
  const last = <i32>word(net, 0) - 1
  let layer = word(net, 10) + <usize>last * LAYER
  const next = word(layer, 1) << 2
  memory.fill(word(layer, 6) + <usize>rows * next, 0, <usize>(padded - rows) * next)
  for (let l = last; l > 0; l--) {
    biasGradient(net, layer, padded)
    weightGradient(net, layer, padded)
    deltaBefore(net, layer, padded)
    layer -= LAYER
  }
  biasGradient(net, layer, rows)
  firstBackward(net, rows)
  return sum
}

/**
 * Adam (Kingma and Ba, 2015) with decay apart from the gradient (Loshchilov and Hutter, 2019), over `bytes` of parameters:
 * the gradient lies `far` after its parameter, the two moments twice and three times as far.
 */
export function adam(at: usize, bytes: usize, far: usize, rate: f32, beta1: f32, beta2: f32, c1: f32, c2: f32, eps: f32, keep: f32): void {
  const b1 = f32x4.splat(beta1), d1 = f32x4.splat(<f32>1 - beta1)
  const b2 = f32x4.splat(beta2), d2 = f32x4.splat(<f32>1 - beta2)
  const step = f32x4.splat(rate * c1), correct = f32x4.splat(c2), small = f32x4.splat(eps), kept = f32x4.splat(keep)
  for (const end = at + bytes; at < end; at += 16) {
    const g = v128.load(at + far)
    const m = f32x4.add(f32x4.mul(v128.load(at + 2 * far), b1), f32x4.mul(g, d1))
    const v = f32x4.add(f32x4.mul(v128.load(at + 3 * far), b2), f32x4.mul(f32x4.mul(g, g), d2))
    v128.store(at + 2 * far, m)
    v128.store(at + 3 * far, v)
    const move = f32x4.div(f32x4.mul(step, m), f32x4.add(f32x4.sqrt(f32x4.mul(v, correct)), small))
    v128.store(at, f32x4.sub(f32x4.mul(v128.load(at), kept), move))
  }
}
