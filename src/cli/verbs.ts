import type { VerbEntry } from "./verb.js";

const dead: readonly VerbEntry[] = [
  {
    name: "list",
    summary: "lists the dead letters of a channel, with their reasons",
    load: async () => (await import("./verbs/dead/list.js")).list,
  },
  {
    name: "causes",
    summary: "counts the dead letters of a channel by their error",
    load: async () => (await import("./verbs/dead/causes.js")).causes,
  },
  {
    name: "show",
    summary: "shows one dead letter whole: payload, headers, errors",
    load: async () => (await import("./verbs/dead/show.js")).show,
  },
  {
    name: "redrive",
    summary: "sends dead letters back to where they came from",
    load: async () => (await import("./verbs/dead/redrive.js")).redrive,
  },
  {
    name: "drop",
    summary: "forgets dead letters for good",
    load: async () => (await import("./verbs/dead/drop.js")).drop,
  },
];

/** Every verb, in the order of `millrace --help`. */
export const verbs: readonly VerbEntry[] = [
  {
    name: "send",
    summary: "sends each line of stdin, of a file, or each argument",
    load: async () => (await import("./verbs/send.js")).send,
  },
  {
    name: "handle",
    summary: "runs a command for each message; its exit code settles it",
    load: async () => (await import("./verbs/handle.js")).handle,
  },
  { name: "tail", summary: "prints a stream's messages", load: async () => (await import("./verbs/tail.js")).tail },
  {
    name: "peek",
    summary: "shows what waits in a queue, and changes nothing",
    load: async () => (await import("./verbs/peek.js")).peek,
  },
  {
    name: "cancel",
    summary: "takes back messages of a queue that nobody has yet",
    load: async () => (await import("./verbs/cancel.js")).cancel,
  },
  {
    name: "channels",
    summary: "lists the channels",
    load: async () => (await import("./verbs/channels.js")).channels,
  },
  {
    name: "stats",
    summary: "counts what each channel holds",
    load: async () => (await import("./verbs/stats.js")).stats,
  },
  {
    name: "groups",
    summary: "lists the groups that read a channel",
    load: async () => (await import("./verbs/groups.js")).groups,
  },
  {
    name: "lag",
    summary: "says how far behind a channel's groups are",
    load: async () => (await import("./verbs/lag.js")).lag,
  },
  {
    name: "seek",
    summary: "moves a group to another position: back to read again, or forward",
    load: async () => (await import("./verbs/seek.js")).seek,
  },
  {
    name: "explain",
    summary: "says where a message is, and why",
    load: async () => (await import("./verbs/explain.js")).explain,
  },
  { name: "dead", summary: "looks at dead letters, redrives or drops them", verbs: dead },
  {
    name: "dump",
    summary: "prints the structure of a file of a data directory",
    load: async () => (await import("./verbs/dump.js")).dump,
  },
  {
    name: "verify",
    summary: "checks the files of a data directory that nobody has open",
    load: async () => (await import("./verbs/verify.js")).verify,
  },
  {
    name: "doctor",
    summary: "finds the usual mistakes in what is stored and in what a program declares",
    load: async () => (await import("./verbs/doctor.js")).doctor,
  },
  {
    name: "plan",
    summary: "computes how many partitions a stream needs, and says why",
    load: async () => (await import("./verbs/plan.js")).plan,
  },
  {
    name: "bench",
    summary: "measures this machine and the engine on it, for a few seconds",
    load: async () => (await import("./verbs/bench.js")).bench,
  },
];
