/**
 * Expressions on which graphs and CEL agree, one a line, for the comparison with the library's own evaluator. Literals
 * have a point where the library would otherwise take an int; its lists and maps hold one type.
 */
import type { Value } from "./value.ts"

/** Values of the names in the corpus. */
export const SCOPE: { readonly [name: string]: Value } = {
  n: 3.5,
  m: -2,
  z: 0,
  s: "héllo",
  e: "",
  yes: true,
  no: false,
  xs: [3, 1, 2],
  none: [],
  words: ["b", "a", "c"],
  r: { a: 1, b: "x", c: { d: [1, 2, 3] } },
  rs: [
    { k: "x", v: 1 },
    { k: "y", v: 2 },
    { k: "x", v: 3 },
  ],
  dict: { a: 1, b: 2 },
  nil: null,
}

export const CORPUS: readonly string[] = String.raw`
n + 1.0
n - m
n * m
n / 2.0
m / n
-n
-(n + m)
- -n
n + m * 2.0
(n + m) * 2.0
n - m - 1.0
n / m / 2.0
n / 0.0
-n / 0.0
1.5e3 + n
0.1 + 0.2
2.0 * 3.0 + 4.0 * 5.0
1 + 2 * 3
7 % 3
-7 % 3
(1 + 2) * 3
10 - 2 - 3
0x1F + 1
n * n * n
1.0 - 0.9
9007199254740991 + 0
n < 4.0
n <= 3.5
n > 4.0
n >= 3.5
n == 3.5
n != 3.5
m < 0.0
s < "i"
"a" < "b"
"a" < "B"
"" < "a"
s == "héllo"
s != s
false < true
1 < 2
1 < 2.5
2.5 > 1
xs == [3.0, 1.0, 2.0]
[1, 2] == [1, 2]
[1, 2] == [2, 1]
[] == []
r == r
r.c != r
nil == null
{"a": 1} == {"a": 1}
{"a": 1, "b": 2} == {"b": 2, "a": 1}
{"a": 1} == {"a": 2}
0.0 == -0.0
0.0 / 0.0 == 0.0 / 0.0
0.0 / 0.0 < 1.0
"é" == "\u00e9"
b"ab" == b"ab"
[[1], [2]] == [[1], [2]]
yes && no
yes && yes
no && yes
no && no
yes || no
no || no
!yes
!no
!!yes
yes ? 1 : 2
no ? 1 : 2
yes ? no ? 1 : 2 : 3
no ? 1 : no ? 2 : 3
yes && no || yes
yes || no && no
!(yes && no)
no && r.missing
r.missing && no
yes || r.missing
r.missing || yes
yes && r.missing
r.missing && yes
no || r.missing
r.missing || no
r.missing && r.gone
r.missing ? 1 : 2
yes ? 1 : r.missing
no && 1.0 / 0.0 > 0.0
s + s
s + "x"
size(s)
s.size()
size("")
"漢字".size()
s.contains("ll")
s.contains("")
s.startsWith("hé")
s.endsWith("lo")
s.startsWith(s)
e.startsWith("a")
s.matches("^h.*o$")
s.matches("l+")
s.matches("x")
"a.b".matches("a\\.b")
"A" + 'b' + """c"""
"a\tb\n\"\\"
r"a\b"
'its' == "its"
'\x41\101\u0041'
"\U0001F418".size()
"a,b,c".split(",")
"abc".split("")
words.join("-")
words.join()
" a b ".trim()
"ABC".lowerAscii()
"abc".upperAscii()
"abc".substring(1)
"abcdef".substring(1, 3)
"abc".indexOf("c")
string(n)
string("x")
string(true)
string(1)
string(1.0)
double("1.5")
double("-2")
bool("true")
bool("false")
bytes("é")
size(bytes("é"))
b"ab".size()
xs[0]
xs[2]
xs[3]
xs[-1]
none[0]
size(xs)
xs.size() == 3
xs + none
xs + [1.0]
1.0 in xs
4.0 in xs
"a" in words
1 in [1, 2]
1.0 in none
[1, 2, 3][1]
[[1], [2]][1][0]
xs.map(x, x * 2.0)
xs.filter(x, x > 1.0)
xs.filter(x, false)
xs.map(x, x > 1.0, x * 2.0)
xs.all(x, x > 0.0)
xs.all(x, x > 1.0)
none.all(x, false)
xs.exists(x, x == 2.0)
xs.exists(x, x == 9.0)
none.exists(x, true)
xs.exists_one(x, x > 2.0)
xs.exists_one(x, x > 1.0)
xs.map(x, xs.map(y, x * y))
xs.map(x, xs.filter(y, y < x).size())
xs.map(x, x).size()
rs.map(p, p.v)
rs.filter(p, p.k == "x").map(p, p.v)
rs.all(p, p.v > 0.0 && p.k != "")
rs.exists(p, p.k == "y")
xs.all(x, x / 0.0 > 0.0)
rs.all(p, p.nope > 0.0)
rs.exists(p, p.v > 2.0 || p.nope)
xs.exists(x, xs[9] == x || x == 2.0)
rs.exists(p, p.nope == 1.0)
rs.map(p, p.nope)
rs.filter(p, p.nope)
rs.exists_one(p, p.nope)
[1, 2, 3].map(x, x + 1)
[xs, xs].map(l, l.size())
words.map(w, w + w)
words.filter(w, w < "c").map(w, w.size())
r.a
r.b
r.c.d
r.c.d[1]
r["a"]
r.missing
r.c.missing
dict["a"]
dict["zz"]
dict.a + dict.b
has(r.a)
has(r.missing)
has(r.c.d)
has(r.missing.x)
"a" in dict
"zz" in dict
size(dict)
dict.size()
{"a": n}.a
{"a": 1}["a"]
{"a": {"b": 2}}.a.b
{(s): n}[s]
{(s): n}["no"]
dict.all(k, k != "")
dict.exists(k, k == "b")
dict.exists_one(k, k == "b")
dict.map(k, k)
dict.filter(k, k > "a")
{}.size()
r.?a.orValue(0)
r.?missing.orValue(0)
r[?"a"].orValue(0)
xs[?0].orValue(0)
xs[?9].orValue(7)
r.?a.hasValue()
r.?missing.hasValue()
r.?a.value()
r.?missing.value()
dict[?"zz"].orValue(5)
{"a": 1, "b": "x"}
`
  .trim()
  .split("\n")
