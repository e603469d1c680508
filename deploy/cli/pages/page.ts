/** The shape of a page about something that a user meets by its name: what it means, and what to do. */
export interface Page {
  readonly title: string
  /** One to four sentences. */
  readonly page: string
}
