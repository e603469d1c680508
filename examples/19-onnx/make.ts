// Makes models/apples.onnx: two layers whose weights were chosen by hand, so that everybody can follow what it computes.
// Any file that PyTorch, Keras or scikit-learn export does as well; of a graph it makes no difference.
import { mkdirSync, writeFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import { writeModel } from "shadowgraph/shadow"

// In: diameter in mm, sugar in °Brix. Hidden: how far above 65 mm, and above 11 °Brix. Out: points for the juice, the shop, the gift box.
const model = writeModel({
  widths: [2, 2, 3],
  weights: [Float32Array.of(1, 0, 0, 1), Float32Array.of(-1, 0.5, 1, -1, 1, 2)],
  biases: [Float32Array.of(-65, -11), Float32Array.of(4, 2, -8)],
})
if (!("bytes" in model)) throw model
mkdirSync(fileURLToPath(new URL("models", import.meta.url)), { recursive: true })
writeFileSync(fileURLToPath(new URL("models/apples.onnx", import.meta.url)), model.bytes)
console.log(`models/apples.onnx has ${model.bytes.length} bytes`)
