/** Pages G401 and G402: what starts runs by itself, in the project's own file. */
import type { Message } from "./message.ts"

export const TRIGGER_MESSAGES = {
  G401: {
    title: "Not a time table",
    page: "A schedule in shadowgraph.project.json has a cron expression that cannot be read or never comes, or a time zone that there is none of. An expression has five fields: minute, hour, day of the month, month, day of the week; `0 7 * * 1-5` is seven in the morning from Monday to Friday. @hourly, @daily, @weekly, @monthly and @yearly stand for the usual ones. A time zone is a name of the IANA database, such as Europe/Zurich; without one, times are in UTC.",
  },
  G402: {
    title: "No such graph to start",
    page: "A schedule or a hook in shadowgraph.project.json names a graph that is not in the project's folder. A graph is named by the word after `graph:` in its file, not by the file's name. What is to start by itself is checked with the graphs, because a schedule that names nothing would otherwise be one that never comes.",
  },
} as const satisfies Record<string, Message>
