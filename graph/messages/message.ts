/** The shape of a page about a kind of problem. */
export interface Message {
  readonly title: string
  /** Two to six sentences: why this is refused, and what to do. */
  readonly page: string
  /**
   * A part of a graph file that has the problem, and the same part put right. Both are checked by a test: what the file
   * needs beside them (`graph:`, `output:`) is added there. Left out where the problem lies outside the file.
   */
  readonly wrong?: string
  readonly right?: string
}
