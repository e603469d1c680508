/**
 * What a terminal shows in the end: text with its cursor movements carried out and its colours left out. Enough of a
 * terminal for what the command writes; a sequence that it does not know is a mistake that the test must see.
 */

// biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences are what is looked for
const SEQUENCE = /^\u001b\[(\??)([\d;]*)([A-Za-z])/

export function screenOf(text: string): string {
  const lines: string[][] = [[]]
  let row = 0
  let column = 0
  const line = () => (lines[row] ??= [])
  const move: Readonly<Record<string, (n: number | undefined) => void>> = {
    A: (n = 1) => (row = Math.max(0, row - n)),
    B: (n = 1) => (row += n),
    C: (n = 1) => (column += n),
    D: (n = 1) => (column = Math.max(0, column - n)),
    G: (n = 1) => (column = n - 1),
    J: (n = 0) => {
      if (n !== 0) throw new TypeError(`Cannot show a screen: "ESC[${n}J" is not known`)
      line().length = Math.min(line().length, column)
      lines.length = row + 1
    },
    K: (n = 0) => {
      if (n === 2) line().length = 0
      else if (n === 0) line().length = Math.min(line().length, column)
      else throw new TypeError(`Cannot show a screen: "ESC[${n}K" is not known`)
    },
    m: () => {},
    // The cursor is shown and hidden; keys report themselves otherwise.
    h: () => {},
    l: () => {},
  }
  for (let rest = text; rest !== ""; ) {
    const found = SEQUENCE.exec(rest)
    if (found !== null) {
      const [whole, , n, name] = found
      const act = move[name!]
      if (act === undefined) throw new TypeError(`Cannot show a screen: "ESC${whole.slice(1)}" is not known`)
      act(n === "" ? undefined : Number.parseInt(n!, 10))
      rest = rest.slice(whole.length)
      continue
    }
    const char = String.fromCodePoint(rest.codePointAt(0)!)
    rest = rest.slice(char.length)
    if (char === "\n") row++
    else if (char === "\r") column = 0
    else if (char === "\b") column = Math.max(0, column - 1)
    else {
      const cells = line()
      while (cells.length < column) cells.push(" ")
      cells[column++] = char
    }
    line()
  }
  return Array.from(lines, (cells) => (cells ?? []).join("").trimEnd()).join("\n")
}
