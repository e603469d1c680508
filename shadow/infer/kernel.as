// The arithmetic of inference, in AssemblyScript: everything between an input in memory and the logits, in one call.
// `npm run generate` compiles it to kernel.wasm.ts. The order of every sum is fixed and no relaxed instruction is used,
// so that every host computes the same bits, for one row and for a row among others.
//
// A net lies in memory as 32-bit words (net.ts writes them):
//
//   0 layers   1 inputs   2 spans: address   3 spans: count   4 rows of the first layer: address   5 stride of a row
//   6 terms: address   7 inputs: address   8 bytes of one input   9 layers after the first: address
//   10 states: address   11 states of one input
//   12 columns of the first layer   13 its biases: address   14 its answers: address   15 whether it ends in a ReLU
//
// A span is {first input, inputs, table, kind}. Kind 1 is a thermometer digit whose table holds the sums of its first 1, 2,
// … rows; kind 2 one without a table, kind 0 anything else (a one-hot digit, where inputs are given as states): there every
// input that is not 0 is a term of its own. A layer after the first is {inputs, columns, weights, biases, in, out, ReLU, 0}.
// Columns are padded to 32; weights lie in panels of 32 columns, two cache lines of a row beside each other.
//
// A term is {address of a row, factor}. Leaving out zeros changes no bit: a sum begins with a bias that is never −0
// (net.ts sees to that), and x + ±0 = x for every other x.

const COLUMNS: i32 = 32
const PANEL_ROW: usize = 128
/** What a tile of {@link many} takes of a panel. */
const HALF: i32 = 16

function word(net: usize, at: i32): usize {
  return load<u32>(net + (<usize>at << 2))
}

/** out[j] = bias[j] + Σ factor × row[j] over the terms, in their order; panels of 32 columns lie `panel` bytes apart. */
function accumulate(terms: usize, end: usize, bias: usize, out: usize, columns: i32, panel: usize, relu: bool): void {
  const zero = f32x4.splat(0)
  let offset: usize = 0
  for (let j = 0; j < columns; j += COLUMNS) {
    let a0 = v128.load(bias), a1 = v128.load(bias, 16), a2 = v128.load(bias, 32), a3 = v128.load(bias, 48)
    let b0 = v128.load(bias, 64), b1 = v128.load(bias, 80), b2 = v128.load(bias, 96), b3 = v128.load(bias, 112)
    for (let t = terms; t < end; t += 8) {
      const p = <usize>load<u32>(t) + offset
      const x = v128.load_splat<u32>(t, 4)
      a0 = f32x4.add(a0, f32x4.mul(x, v128.load(p)))
      a1 = f32x4.add(a1, f32x4.mul(x, v128.load(p, 16)))
      a2 = f32x4.add(a2, f32x4.mul(x, v128.load(p, 32)))
      a3 = f32x4.add(a3, f32x4.mul(x, v128.load(p, 48)))
      b0 = f32x4.add(b0, f32x4.mul(x, v128.load(p, 64)))
      b1 = f32x4.add(b1, f32x4.mul(x, v128.load(p, 80)))
      b2 = f32x4.add(b2, f32x4.mul(x, v128.load(p, 96)))
      b3 = f32x4.add(b3, f32x4.mul(x, v128.load(p, 112)))
    }
    if (relu) {
      a0 = f32x4.max(a0, zero); a1 = f32x4.max(a1, zero); a2 = f32x4.max(a2, zero); a3 = f32x4.max(a3, zero)
      b0 = f32x4.max(b0, zero); b1 = f32x4.max(b1, zero); b2 = f32x4.max(b2, zero); b3 = f32x4.max(b3, zero)
    }
    v128.store(out, a0); v128.store(out, a1, 16); v128.store(out, a2, 32); v128.store(out, a3, 48)
    v128.store(out, b0, 64); v128.store(out, b1, 80); v128.store(out, b2, 96); v128.store(out, b3, 112)
    bias += PANEL_ROW
    out += PANEL_ROW
    offset += panel
  }
}

/** Writes a term for an input if it is not 0. Without a branch, which would be guessed wrong every other time. */
function put(x: usize, row: usize, to: usize): usize {
  // −0 counts as something here, and adds nothing.
  const bits = load<u32>(x)
  store<u64>(to, (<u64>bits << 32) | <u64>row)
  return to + (<usize>(bits != 0) << 3)
}

/** The terms of `count` inputs, their rows `stride` bytes apart. */
function inputTerms(x: usize, count: i32, row: usize, stride: usize, to: usize): usize {
  for (let i = 0; i < count; i++) {
    to = put(x, row, to)
    x += 4
    row += stride
  }
  return to
}

/** The terms of a layer's activations, four at a time: those of padding are 0. */
function activationTerms(x: usize, count: i32, row: usize, to: usize): usize {
  for (const end = x + (<usize>count << 2); x < end; x += 16) {
    to = put(x, row, to)
    to = put(x + 4, row + PANEL_ROW, to)
    to = put(x + 8, row + 2 * PANEL_ROW, to)
    to = put(x + 12, row + 3 * PANEL_ROW, to)
    row += 4 * PANEL_ROW
  }
  return to
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

/** The terms of one input that is given as features. */
function featureTerms(net: usize, x: usize): usize {
  const stride = word(net, 5)
  let row = word(net, 4)
  let to = word(net, 6)
  let span = word(net, 2)
  for (let s = <i32>word(net, 3); s > 0; s--) {
    const count = load<i32>(span, 4)
    const v = load<u32>(span, 12) == 1 ? level(x, count) : -1
    if (v < 0) to = inputTerms(x, count, row, stride, to)
    else if (v > 0) to = term(to, <usize>load<u32>(span, 8) + (v - 1) * stride)
    x += <usize>count << 2
    row += <usize>count * stride
    span += 16
  }
  return to
}

function term(to: usize, row: usize): usize {
  store<u32>(to, <u32>row)
  store<f32>(to, 1, 4)
  return to + 8
}

/** The terms of one input that is given as the state of each digit: the same terms that its features give. */
function stateTerms(net: usize, state: usize): usize {
  const stride = word(net, 5)
  const rows = word(net, 4)
  let to = word(net, 6)
  let span = word(net, 2)
  for (let s = <i32>word(net, 3); s > 0; s--) {
    const v = <usize>load<u16>(state)
    const kind = load<u32>(span, 12)
    const row = rows + <usize>load<u32>(span) * stride
    if (kind == 0) to = term(to, row + v * stride)
    else if (kind == 2) for (let i: usize = 0; i < v; i++) to = term(to, row + i * stride)
    else if (v > 0) to = term(to, <usize>load<u32>(span, 8) + (v - 1) * stride)
    state += 2
    span += 16
  }
  return to
}

function firstLayer(net: usize, row: i32, states: bool): void {
  const end = states
    ? stateTerms(net, word(net, 10) + <usize>row * word(net, 11) * 2)
    : featureTerms(net, word(net, 7) + <usize>row * word(net, 8))
  const columns = <i32>word(net, 12)
  const out = word(net, 14) + ((<usize>row * columns) << 2)
  accumulate(word(net, 6), end, word(net, 13), out, columns, PANEL_ROW, word(net, 15) != 0)
}

/** Runs all layers on the first input; `states` says that it is given as states. */
export function one(net: usize, states: bool): void {
  firstLayer(net, 0, states)
  const terms = word(net, 6)
  let layer = word(net, 9)
  for (let l = <i32>word(net, 0); l > 1; l--) {
    const inputs = <i32>word(layer, 0)
    const end = activationTerms(word(layer, 4), inputs, word(layer, 2), terms)
    accumulate(terms, end, word(layer, 3), word(layer, 5), <i32>word(layer, 1), <usize>inputs * PANEL_ROW, word(layer, 6) != 0)
    layer += 32
  }
}

/** Two rows times 16 columns: eight sums stay in registers, which is what x86 has room for beside the weights. */
function tile(a: usize, b: usize, w: usize, inputs: i32, bias: usize, to: usize, next: usize, relu: bool): void {
  let a0 = v128.load(bias), a1 = v128.load(bias, 16), a2 = v128.load(bias, 32), a3 = v128.load(bias, 48)
  let b0 = a0, b1 = a1, b2 = a2, b3 = a3
  const end = a + (<usize>inputs << 2)
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
    w += PANEL_ROW
  }
  if (relu) {
    const zero = f32x4.splat(0)
    a0 = f32x4.max(a0, zero); a1 = f32x4.max(a1, zero); a2 = f32x4.max(a2, zero); a3 = f32x4.max(a3, zero)
    b0 = f32x4.max(b0, zero); b1 = f32x4.max(b1, zero); b2 = f32x4.max(b2, zero); b3 = f32x4.max(b3, zero)
  }
  v128.store(to, a0); v128.store(to, a1, 16); v128.store(to, a2, 32); v128.store(to, a3, 48)
  v128.store(next, b0); v128.store(next, b1, 16); v128.store(next, b2, 32); v128.store(next, b3, 48)
}

/** Runs all layers on `rows` inputs, an even number; half a panel of weights stays in the first cache while all rows pass. */
export function many(net: usize, rows: i32, states: bool): void {
  for (let r = 0; r < rows; r++) firstLayer(net, r, states)
  let stride = word(net, 12) << 2
  let layer = word(net, 9)
  for (let l = <i32>word(net, 0); l > 1; l--) {
    const inputs = <i32>word(layer, 0)
    const columns = <i32>word(layer, 1)
    const out = <usize>columns << 2
    const relu = word(layer, 6) != 0
    let w = word(layer, 2)
    for (let j = 0; j < columns; j += HALF) {
      let a = word(layer, 4)
      let to = word(layer, 5) + (<usize>j << 2)
      for (let r = 0; r < rows; r += 2) {
        tile(a, a + stride, w, inputs, word(layer, 3) + (<usize>j << 2), to, to + out, relu)
        a += stride << 1
        to += out << 1
      }
      w += j & HALF ? <usize>inputs * PANEL_ROW - 64 : 64
    }
    stride = out
    layer += 32
  }
}
