// A calculator that somebody pays for by the call: real arithmetic, behind a delay of 2 ms that stands for the way to it.
const pause = () => new Promise((done) => setTimeout(done, 2))

export const calculate = async ({ op, a, b }) => {
  await pause()
  if (op === "add") return a + b
  if (op === "subtract") return a - b
  return a * b
}
