// An HTTP server that calculates: `GET /calculate?op=multiply&a=…&b=…`.
const OPERATIONS: { readonly [op: string]: (a: number, b: number) => number } = {
  add: (a, b) => a + b,
  subtract: (a, b) => a - b,
  multiply: (a, b) => a * b,
}

const { port } = Bun.serve({
  port: 0,
  hostname: "127.0.0.1",
  idleTimeout: 0,
  fetch: (request) => {
    const query = new URL(request.url).searchParams
    const calculate = OPERATIONS[query.get("op") ?? ""]
    const [a, b] = [Number(query.get("a") ?? Number.NaN), Number(query.get("b") ?? Number.NaN)]
    if (calculate === undefined || !Number.isFinite(a) || !Number.isFinite(b))
      return new Response("want op, a and b", { status: 400 })
    return Response.json(calculate(a, b))
  },
})
console.log(port)
