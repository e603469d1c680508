/** There and back, for tests: a value through an encoding's features or an output's logits, compared to the bit. */
import { sameValue, show, type Value } from "../../graph/mod.ts"
import { type Encoding, EncodingRefused, type Output } from "../../shadow/mod.ts"

/** What was made; a refusal fails the test with its message. */
export function must<A>(made: A | EncodingRefused): A {
  if (made instanceof EncodingRefused) throw made
  return made
}

/** The refusal, if the value is refused; throws where it comes back as another one. */
export function roundTrip(through: Encoding | Output, value: Value): EncodingRefused | undefined {
  const back = "digits" in through ? byFeatures(through, value) : byLogits(through, value)
  if (back instanceof EncodingRefused) return back
  if (sameValue(back, value)) return undefined
  throw new RangeError(`${show(value)} came back as ${show(back)} through ${JSON.stringify(through.spec)}`)
}

/** A margin on both sides, so that what is written outside of the span is seen. */
const MARGIN = 3

function byFeatures(e: Encoding, value: Value): Value | EncodingRefused {
  const features = new Float32Array(e.width + 2 * MARGIN).fill(7)
  const refused = e.write(value, features, MARGIN)
  if (refused !== undefined) return refused
  for (let i = 0; i < MARGIN; i++) {
    if (features[i] !== 7 || features[e.width + MARGIN + i] !== 7) throw new RangeError("wrote outside of its span")
  }
  const states = new Uint16Array(e.digits.length)
  must(e.states(value, states, 0) ?? null)
  const back = must(e.read(features, MARGIN))
  if (!sameValue(back, must(e.fromStates(states, 0)))) throw new RangeError("states and features say different values")
  return back
}

function byLogits(o: Output, value: Value): Value | EncodingRefused {
  const classes = new Uint16Array(o.groups.length)
  const refused = o.targets(value, classes, 0)
  if (refused !== undefined) return refused
  const logits = new Float32Array(o.width + MARGIN)
  o.groups.forEach(({ at, kind }, g) => {
    if (kind === "softmax") logits[MARGIN + at + classes[g]!] = 30
    else logits[MARGIN + at] = classes[g] === 1 ? 30 : -30
  })
  const { value: back, joint } = must(o.read(logits, MARGIN))
  if (!(joint > 0 && joint <= 1)) throw new RangeError(`confidence ${joint}`)
  if (!sameValue(back, must(o.fromTargets(classes, 0)))) throw new RangeError("targets and logits say different values")
  return back
}
