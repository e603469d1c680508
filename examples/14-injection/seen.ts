// What somebody else's server was sent.
console.log(await (await fetch("http://localhost:4716/seen")).text())
