/**
 * The files that each host wants around the program, and the one command that goes live. Text only: what a person may read, change
 * and keep in a repository.
 */
import { MCP_KEY } from "../mcp/key.ts"
import { wordOf } from "../triggers/packed.ts"
import { bringsModels, hasScripts, type Program, partsOf } from "./entry.ts"
import { modelsIn } from "./models.ts"
import { PAGE } from "./page.ts"
import { INSTALLED, type Part } from "./runtimes.ts"
import type { BroughtShadow } from "./shadows.ts"
import type { Target } from "./targets.ts"
import type { BroughtTriggers } from "./triggers.ts"

export interface Written {
  /** By path in the folder of the deployment. */
  readonly files: Readonly<Record<string, string | Uint8Array>>
  /** Goes live. `folder`: as the person may name it. */
  readonly live: (folder: string) => string
  /** Other ways to run it, each with what it is. */
  readonly also: readonly (readonly [about: string, command: (folder: string) => string])[]
}

/** What every form of it is told from outside. */
const VARIABLES: readonly (readonly [name: string, about: string])[] = [
  ["PORT", "where it listens; 8787"],
  ["HOST", "on which address; 0.0.0.0, all of them"],
]

/** `name`: of the deployment: lower-case letters, digits and dashes. */
export function filesOf(program: Program, text: string, name: string): Written {
  const made = FORMS[program.target](program, text, name)
  return {
    ...made,
    files: { ...made.files, "deployment.json": listing(program), "README.md": readme(program, name, made) },
  }
}

/** What was granted to what, for whoever reviews a deployment; the program carries the same in its packed form. */
function listing({
  target,
  gathered,
  packing,
  ledger,
  interface: form,
  mcp,
  open,
  triggers,
  origins,
  shadows,
}: Program): string {
  const { graphs, policy, budget, fuel, tenant, prices, demands, speculate } = packing
  const money = { budget, fuel, tenant, prices, demands, speculate }
  const list = {
    target,
    graphs: gathered.map(({ plan, modules, models: { brought } }, i) => ({
      name: plan.name,
      needs: plan.needs,
      grants: graphs[i]!.grants,
      code: Object.fromEntries(modules.map((m) => [m.path, m.sha256])),
      ...(brought.length === 0 ? {} : { models: Object.fromEntries(brought.map((m) => [m.path, m.sha256])) }),
    })),
    policy,
    ...Object.fromEntries(Object.entries(money).filter(([, value]) => value !== undefined)),
    ledger,
    ...(target === "browser" ? {} : { interface: form }),
    ...(mcp === undefined ? {} : { mcp: true }),
    ...(origins.length === 0 ? {} : { cors: origins }),
    ...(triggers === undefined ? {} : listedTriggers(triggers)),
    ...(shadows.length === 0 ? {} : { shadows: shadows.map(listedShadow) }),
    tokens: target === "browser" ? "none" : open ? "whoever reaches it" : "SHADOWGRAPH_TOKENS",
  }
  return `${JSON.stringify(list, null, 2)}\n`
}

/** What its calibration promises, and what the gate found when it asked the tool itself. */
const listedShadow = ({ card, promised, packed: { threshold } }: BroughtShadow): object => {
  const { tool, version, family, hash, made, verdict } = card
  const { cases, wrong, bound, submission, id } = verdict
  return {
    tool,
    version,
    family,
    sha256: hash,
    made,
    promised,
    threshold,
    verdict: { cases, wrong, bound, submission, id },
  }
}

const listedTriggers = ({ schedules, hooks }: BroughtTriggers): object => ({
  schedules: schedules.map(({ name, graph, cron, timezone, grants }) => ({ name, graph, cron, timezone, grants })),
  hooks: hooks.map(({ name, graph, scheme, secrets, grants }) => ({
    name,
    graph,
    path: `/hooks/${name}`,
    signature: wordOf(scheme),
    secrets,
    grants,
  })),
})

function readme({ target, gathered, open, ledger, mcp }: Program, name: string, { live, also }: Written): string {
  const variables = [
    ...(target === "browser" || target === "workerd" ? [] : VARIABLES),
    ...(ledger === "file" ? [["SHADOWGRAPH_LEDGER", "the file of the ledger; ledger.db"] as const] : []),
    ...(target === "browser" || open
      ? []
      : [
          [
            "SHADOWGRAPH_TOKENS",
            "who may run graphs: the text of a file of tokens as `shadowgraph token` writes it, or the SHA-256 of each token, parted by commas; none: nobody may",
          ] as const,
          ...(target === "workerd"
            ? []
            : [["SHADOWGRAPH_TOKENS_FILE", "in place of it, such a file, read again whenever it changes"] as const]),
        ]),
  ]
  if (mcp !== undefined)
    variables.push([
      MCP_KEY,
      "32 bytes or more that sign what clients of MCP, at `/mcp`, carry between two rounds of a question; drawn at the start where it is not set",
    ])
  const graphs = gathered.map(({ plan }) => `\`${plan.name}\``).join(", ")
  return [
    `# ${name}`,
    "",
    `${graphs}, written by \`shadowgraph deploy ${target}\`; the same command writes it anew. \`deployment.json\` lists what was granted.`,
    "",
    "```",
    live("."),
    "```",
    ...(variables.length === 0 ? [] : ["", ...variables.map(([key, about]) => `- \`${key}\`: ${about}`)]),
    ...also.flatMap(([about, command]) => ["", `${about}:`, "", "```", command("."), "```"]),
    "",
  ].join("\n")
}

const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`

/** `install`: how packages get there, where the program wants some. */
const dockerfile = (
  image: string,
  user: string,
  command: string,
  { gathered }: Program,
  install: string,
) => `# Written by \`shadowgraph deploy\`.
FROM ${image}
WORKDIR /app
${bringsModels("node", gathered) ? `COPY package.json ./\nRUN ${install}\n` : ""}COPY app.mjs ./
${modelsIn(gathered).length > 0 ? "COPY models ./models\n" : ""}RUN mkdir /data && chown ${user} /data
USER ${user}
VOLUME /data
ENV PORT=8787 SHADOWGRAPH_LEDGER=/data/ledger.db
EXPOSE 8787
CMD ${command}
`

const container = (name: string) => (folder: string) =>
  `docker build -t ${name} ${folder} && docker run --rm -p 8787:8787 -e SHADOWGRAPH_TOKENS ${name}`

/** A unit of systemd: its own user, its own folder for state, nothing else to write to. */
const unit = (name: string) => `[Unit]
Description=Graphs of ${name}
After=network-online.target
Wants=network-online.target

[Service]
ExecStart=/usr/bin/env node /opt/${name}/app.mjs
WorkingDirectory=/var/lib/${name}
EnvironmentFile=-/etc/${name}.env
DynamicUser=yes
StateDirectory=${name}
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=yes
PrivateTmp=yes
SystemCallFilter=@system-service
MemoryMax=512M
Restart=on-failure

[Install]
WantedBy=multi-user.target
`

type Form = (program: Program, text: string, name: string) => Written

const FORMS: Readonly<Record<Target, Form>> = {
  bun: (program, text, name) => {
    const models = bringsModels("bun", program.gathered)
    const image = dockerfile("oven/bun:1.4-slim", "bun", '["bun", "app.mjs"]', program, "bun install")
    const packages = json({ name, private: true, type: "module", dependencies: INSTALLED })
    return {
      files: { "app.mjs": text, ...(models ? { "package.json": packages } : {}), Dockerfile: image },
      live: container(name),
      also: [
        ["As a process", (folder) => `${models ? `bun install --cwd ${folder} && ` : ""}bun ${folder}/app.mjs`],
        // Native runtimes of models fit into no file.
        ...(models
          ? []
          : [
              [
                "As one file that needs no Bun",
                (folder: string) => `bun build --compile --minify ${folder}/app.mjs --outfile ${folder}/${name}`,
              ] as const,
            ]),
      ],
    }
  },
  node: (program, text, name) => ({
    files: {
      "app.mjs": text,
      "package.json": json({
        name,
        private: true,
        type: "module",
        engines: { node: ">=22.19" },
        scripts: { start: "node app.mjs" },
        ...(bringsModels("node", program.gathered) ? { dependencies: INSTALLED } : {}),
      }),
      Dockerfile: dockerfile("node:24-slim", "node", '["node", "app.mjs"]', program, "npm install --omit=dev"),
      [`${name}.service`]: unit(name),
    },
    live: (folder) =>
      `${bringsModels("node", program.gathered) ? `npm install --prefix ${folder} && ` : ""}node ${folder}/app.mjs`,
    also: [
      ["In a container", container(name)],
      [
        "As a service of systemd",
        (folder) =>
          `sudo cp -r ${folder} /opt/${name} && sudo cp ${folder}/${name}.service /etc/systemd/system/ && sudo systemctl enable --now ${name}`,
      ],
    ],
  }),
  deno: (_, text, name) => ({
    files: {
      "app.mjs": text,
      "deno.json": json({ deploy: { runtime: { type: "dynamic", entrypoint: "app.mjs" } } }),
    },
    live: (folder) => `cd ${folder} && deno deploy`,
    also: [
      ["As a process", (folder) => `deno run --allow-net --allow-env --allow-read=. --allow-write=. ${folder}/app.mjs`],
      [
        "As one file that needs no Deno",
        (folder) =>
          `deno compile --allow-net --allow-env --allow-read=. --allow-write=. -o ${folder}/${name} ${folder}/app.mjs`,
      ],
    ],
  }),
  workerd: (program, text, name) => {
    const { ledger, gathered, mcp, triggers } = program
    return {
      files: {
        "worker.js": text,
        "wrangler.jsonc": wrangler(
          name,
          ledger === "durable",
          partsOf(program),
          (triggers?.schedules ?? []).length > 0,
        ),
        "workerd.capnp": capnp(
          ledger === "durable",
          [...secretsOf(gathered, triggers), ...(mcp === undefined ? [] : [MCP_KEY])],
          partsOf(program),
        ),
      },
      live: (folder) => `npx wrangler deploy --config ${folder}/wrangler.jsonc`,
      also: [
        ["On a workerd of your own", (folder) => `cd ${folder} && mkdir -p objects && npx workerd serve workerd.capnp`],
      ],
    }
  },
  browser: ({ gathered, shadows }, text, name) => ({
    files: {
      "index.html": PAGE(name, hasScripts(gathered) || bringsModels("browser", gathered) || shadows.length > 0),
      "app.js": text,
    },
    live: (folder) => `npx wrangler pages deploy ${folder} --project-name ${name}`,
    also: [["On this machine", (folder) => `npx serve ${folder}`]],
  }),
}

const secretsOf = (gathered: Program["gathered"], triggers: BroughtTriggers | undefined): readonly string[] => [
  ...new Set([
    ...gathered.flatMap(({ plan }) =>
      plan.needs.flatMap((need) => (need.startsWith("secret:") ? [need.slice(7)] : [])),
    ),
    ...(triggers?.hooks ?? []).flatMap(({ secrets }) => secrets),
  ]),
]

const COMPATIBLE = "2026-11-01"

const wrangler = (
  name: string,
  durable: boolean,
  parts: readonly Part[],
  ticks: boolean,
): string => `// Written by \`shadowgraph deploy workerd\`.
${json({
  name,
  main: "worker.js",
  // The bundle is whole, and was checked as it is.
  no_bundle: true,
  // A worker compiles no WebAssembly and reads no files: they are brought along as modules.
  ...(parts.length > 0 ? { find_additional_modules: true, rules: rulesOf(parts) } : {}),
  compatibility_date: COMPATIBLE,
  // Nodes ask the internet, and never another worker of the same zone by accident.
  compatibility_flags: ["global_fetch_strictly_public"],
  observability: { enabled: true },
  // The object has itself woken for each tick; this wakes it after it was deployed, and should it ever not be. Without one nobody hears it.
  ...(durable && ticks ? { triggers: { crons: ["*/5 * * * *"] } } : {}),
  ...(durable
    ? {
        durable_objects: { bindings: [{ name: "GRAPHS", class_name: "Graphs" }] },
        migrations: [{ tag: "v1", new_sqlite_classes: ["Graphs"] }],
      }
    : {}),
})}`

/** Rules of one kind for one kind of file: what follows would count for less. */
function rulesOf(parts: readonly Part[]) {
  const types = { wasm: "CompiledWasm", esModule: "ESModule", data: "Data" } as const
  const forms = [...new Set(parts.map(({ form }) => form))]
  return forms.map((form) => ({
    type: types[form],
    globs: parts.flatMap((part) => (part.form === form ? [`**/${part.name}`] : [])),
  }))
}

const capnp = (durable: boolean, secrets: readonly string[], parts: readonly Part[]): string => {
  const bindings = [
    ...["SHADOWGRAPH_TOKENS", ...secrets].map((name) => `(name = "${name}", fromEnvironment = "${name}")`),
    ...(durable ? ['(name = "GRAPHS", durableObjectNamespace = "Graphs")'] : []),
  ]
  return `# Written by \`shadowgraph deploy workerd\`, for a workerd of your own.
using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    (name = "main", worker = .main),${durable ? '\n    (name = "disk", disk = (path = "objects", writable = true)),' : ""}
  ],
  sockets = [(name = "http", address = "*:8787", http = (), service = "main")],
);
const main :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")${parts.map(({ name, form }) => `, (name = "${name}", ${form} = embed "${name}")`).join("")}],
  compatibilityDate = "${COMPATIBLE}",
  bindings = [${bindings.join(", ")}],${
    durable
      ? `
  durableObjectNamespaces = [(className = "Graphs", uniqueKey = "graphs", enableSql = true)],
  durableObjectStorage = (localDisk = "disk"),`
      : ""
  }
);
`
}
