/** The tariff in Postgres: the table, and the query as a tool of the chain. `TARIFFS` says where the database is. */
import postgres from "postgres"

/** Connections of one process; a chain asks once at a time, and once more where a guess was wrong. */
const CONNECTIONS_MAX = 2
const options: postgres.Options<Record<string, never>> = {
  max: CONNECTIONS_MAX,
  // No question beside ours may meet the network's delay.
  fetch_types: false,
  idle_timeout: 5,
  onnotice: () => {},
}

let open: postgres.Sql | undefined
const database = (): postgres.Sql => (open ??= postgres(process.env["TARIFFS"]!, options))

/** Cents for a parcel of so many hundredths of a kilogram into a zone. */
export const tariff = async ({ zone, weight }: { readonly zone: number; readonly weight: number }): Promise<number> => {
  const rows = await database()<{ cents: number }[]>`
    select cents from tariff where zone = ${zone} and above < ${weight} order by above desc limit 1`
  if (rows.length === 0) throw new RangeError(`There is no tariff for ${weight} into zone ${zone}`)
  return rows[0]!.cents
}

export const ZONES = 8
/** Hundredths of a kilogram above which a step begins. */
const ABOVE = [0, 50, 100, 200, 500, 1_000, 2_000, 3_150]

export async function makeTariffs(url: string): Promise<void> {
  const sql = postgres(url, { ...options, max: 1 })
  await sql`create table tariff (zone integer, above integer, cents integer, primary key (zone, above))`
  for (let zone = 1; zone <= ZONES; zone++)
    for (const [i, above] of ABOVE.entries())
      await sql`insert into tariff values (${zone}, ${above}, ${centsOf(zone, i)})`
  await sql.end()
}

/** Rising with weight and distance, by steps that are not even. */
const centsOf = (zone: number, step: number): number => 390 + 85 * zone + step * (140 + 25 * zone) + ((step * 37) % 90)
