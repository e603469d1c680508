/**
 * What the documentation says of each operator and function: a line, and CEL text with what it gives, which the tests run.
 * Apart from the table, so that what only runs expressions carries none of it.
 */
export interface Words {
  readonly about: string
  readonly example: string
}

export const WORDS: { readonly [name: string]: Words } = {
  // Operators
  "+": { about: "Sum of numbers or int64s; texts, lists or bytes one after the other.", example: '"a" + "b" → "ab"' },
  "-": { about: "Difference of numbers or int64s.", example: "5 - 2 → 3" },
  "*": { about: "Product of numbers or int64s.", example: "2.5 * 4 → 10" },
  "/": {
    about: "Quotient. Numbers divide as float64 (1 / 0 is Infinity); int64s drop the fraction and fail on zero.",
    example: "7 / 2 → 3.5",
  },
  "%": {
    about: "Remainder with the sign of the left side. Numbers follow IEEE (1 % 0 is NaN); int64s fail on zero.",
    example: "-7 % 3 → -1",
  },
  "==": {
    about: "Are two values equal, at any depth? Numbers by IEEE: 0 == -0, and NaN equals nothing.",
    example: "[1, 2] == [1, 2] → true",
  },
  "!=": { about: "The opposite of ==.", example: '"a" != "b" → true' },
  "<": { about: "Is the left side smaller? Texts by code point, false before true.", example: "1 < 2 → true" },
  "<=": { about: "Is the left side smaller or equal?", example: "2 <= 2 → true" },
  ">": { about: "Is the left side greater?", example: '"b" > "a" → true' },
  ">=": { about: "Is the left side greater or equal?", example: "1 >= 2 → false" },
  "!": { about: "Not.", example: "!true → false" },
  neg: { about: "The negative, written -x.", example: "-abs(2) → -2" },
  in: { about: "Is the left side an element of the list, or a key of the map?", example: "2 in [1, 2] → true" },
  div: { about: "Whole quotient, the fraction dropped; fails on zero.", example: "div(7, 2) → 3" },
  // Numbers
  abs: { about: "The number without its sign.", example: "abs(-2) → 2" },
  floor: { about: "The greatest whole number that is not above.", example: "floor(-1.5) → -2" },
  ceil: { about: "The least whole number that is not below.", example: "ceil(1.2) → 2" },
  trunc: { about: "The number without its fraction.", example: "trunc(-1.5) → -1" },
  sqrt: { about: "The square root; NaN below zero.", example: "sqrt(9) → 3" },
  sign: { about: "-1, 0 or 1.", example: "sign(-3) → -1" },
  round: {
    about: "The nearest whole number, or the nearest with so many digits (0 to 15); halves go away from zero.",
    example: "round(2.375, 2) → 2.38",
  },
  isNaN: { about: "Is it NaN, the number that is none?", example: "isNaN(0 / 0) → true" },
  isFinite: { about: "Is it neither NaN nor infinite?", example: "isFinite(1 / 0) → false" },
  min: { about: "The least of its arguments, or of a list; fails on an empty list.", example: "min([3, 1, 2]) → 1" },
  max: { about: "The greatest of its arguments, or of a list; fails on an empty list.", example: "max(3, 7) → 7" },
  clamp: {
    about: "The first argument, but not below the second nor above the third.",
    example: "clamp(12, 0, 10) → 10",
  },
  // Text, bytes and conversion
  contains: { about: "Does the text contain the other one?", example: '"graph".contains("rap") → true' },
  startsWith: { about: "Does the text begin with the other one?", example: '"graph".startsWith("gr") → true' },
  endsWith: { about: "Does the text end with the other one?", example: '"graph".endsWith("ph") → true' },
  matches: {
    about: "Does the pattern (RE2, written out) match some part of the text? Anchor it with ^ and $ for the whole.",
    example: '"A17".matches("^[A-Z][0-9]+$") → true',
  },
  find: {
    about: "The first part of the text that the pattern (RE2, written out) matches, or null.",
    example: '"order A17".find("[A-Z][0-9]+") → "A17"',
  },
  split: {
    about: "The parts between the separators; with an empty one, the single characters.",
    example: '"a,b".split(",") → ["a", "b"]',
  },
  join: {
    about: "The elements as one text, with the second argument between them.",
    example: '["a", "b"].join("-") → "a-b"',
  },
  replace: {
    about: "Every occurrence of the second text replaced by the third.",
    example: '"a-b-c".replace("-", "+") → "a+b+c"',
  },
  trim: { about: "The text without white space at both ends.", example: '"  a ".trim() → "a"' },
  lowerAscii: {
    about: "A–Z in small letters; other letters stay, for their case differs from place to place.",
    example: '"EUR".lowerAscii() → "eur"',
  },
  upperAscii: { about: "a–z in capitals; other letters stay.", example: '"eur".upperAscii() → "EUR"' },
  substring: {
    about: "From a position (0 is the first character) up to another, or to the end. Negative ones count from the end.",
    example: '"graph".substring(1, 3) → "ra"',
  },
  fixed: {
    about: "A number as text with so many digits after the point (0 to 15), rounded half away from zero.",
    example: '18.4.fixed(2) → "18.40"',
  },
  string: {
    about: "A value as text: numbers in their shortest form, lists and records as JSON.",
    example: 'string(1.50) → "1.5"',
  },
  number: {
    about: "A decimal text or an int64 as a number; an int64 beyond 2^53 is rounded to the nearest.",
    example: 'number("1.5") → 1.5',
  },
  int64: {
    about: "A whole number, or its decimal text, as an int64; fails where there is a fraction.",
    example: 'int64("42") == 42 → true',
  },
  bool: { about: 'The texts "true" and "false" as booleans.', example: 'bool("true") → true' },
  bytes: { about: "The UTF-8 bytes of a text.", example: 'size(bytes("é")) → 2' },
  utf8: { about: "UTF-8 bytes as text.", example: 'utf8(bytes("é")) → "é"' },
  base64: { about: "Bytes, or the UTF-8 bytes of a text, in base64.", example: 'base64("hi") → "aGk="' },
  unbase64: { about: "The bytes that a base64 text stands for.", example: 'utf8(unbase64("aGk=")) → "hi"' },
  hex: { about: "Bytes in hexadecimal digits.", example: 'hex(bytes("hi")) → "6869"' },
  unhex: { about: "The bytes that hexadecimal digits stand for.", example: 'utf8(unhex("6869")) → "hi"' },
  sha256: {
    about: "The SHA-256 of bytes, or of a text's UTF-8 bytes, in hexadecimal digits.",
    example: 'sha256("").startsWith("e3b0c442") → true',
  },
  json: {
    about: "The value that a JSON text stands for; whole numbers beyond 2^53 stay exact.",
    example: 'json("[1, 2]")[1] → 2',
  },
  toJson: {
    about: "A value as JSON text with sorted keys; bytes become base64, NaN and Infinity fail.",
    example: 'toJson({"b": 1, "a": [true]}) → "{\\"a\\":[true],\\"b\\":1}"',
  },
  // Lists, maps and records
  size: { about: "How many: code points of a text, bytes, elements, entries.", example: 'size("añ") → 2' },
  sum: {
    about: "The sum from left to right, from 0 or the second argument; int64s need one, int64(0).",
    example: "[1, 2, 3].sum() → 6",
  },
  avg: { about: "The mean; fails on an empty list.", example: "[1, 2, 6].avg() → 3" },
  first: { about: "The first element; fails on an empty list.", example: "[3, 4].first() → 3" },
  last: { about: "The last element; fails on an empty list.", example: "[3, 4].last() → 4" },
  slice: {
    about: "From a position up to another, or to the end. Negative ones count from the end.",
    example: "[1, 2, 3].slice(1) → [2, 3]",
  },
  indexOf: {
    about: "The first position of an element in a list, or of a text in a text; -1 where there is none.",
    example: '"graph".indexOf("p") → 3',
  },
  reverse: { about: "The list from its end to its beginning.", example: "[1, 2].reverse() → [2, 1]" },
  distinct: {
    about: "The list without repetitions; the first of equal elements stays.",
    example: "[1, 2, 1].distinct() → [1, 2]",
  },
  sort: {
    about: "Numbers by size (NaN last), texts by code point; equal ones keep their order.",
    example: "[3, 1, 2].sort() → [1, 2, 3]",
  },
  flatten: {
    about: "The elements of the lists in a list, one after the other.",
    example: "[[1], [2, 3]].flatten() → [1, 2, 3]",
  },
  range: {
    about: "Whole numbers from 0, or from the first argument, up to but not including the last; at most 1000000.",
    example: "range(3) → [0, 1, 2]",
  },
  zip: {
    about: "Pairs { left, right } of the elements of two lists, as many as the shorter one has.",
    example: "[1, 2].zip([3, 4])[0].right → 3",
  },
  keys: { about: "The keys of a map in code-point order.", example: '{"b": 1, "a": 2}.keys() → ["a", "b"]' },
  values: {
    about: "The values of a map in code-point order of their keys.",
    example: '{"b": 1, "a": 2}.values() → [2, 1]',
  },
  entries: {
    about: "The entries { key, value } of a map in code-point order of the keys.",
    example: '{"a": 2}.entries()[0].value → 2',
  },
  fromEntries: {
    about: "The map of a list of { key, value }; fails when a key comes twice.",
    example: '[{"key": "a", "value": 1}].fromEntries() → {"a": 1}',
  },
  merge: {
    about: "The entries of both maps or records; where both have a key, those of the second.",
    example: '{"a": 1, "b": 1}.merge({"b": 2}) → {"a": 1, "b": 2}',
  },
  compact: {
    about: "A list without its nulls, or a record without the fields that are null.",
    example: '{"a": 1, "b": null}.compact() → {"a": 1}',
  },
  orValue: {
    about: "The first argument, or the second where the first is null or an optional access found nothing.",
    example: '{"a": 1}[?"b"].orValue(7) → 7',
  },
  hasValue: {
    about: "Did an optional access find something (other than null)?",
    example: "[1][?4].hasValue() → false",
  },
  value: { about: "What an optional access found; fails where it found nothing.", example: "[8][?0].value() → 8" },
}
