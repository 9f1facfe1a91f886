import type { Command } from "commander";
import {
  type Channel,
  type ChannelKind,
  type ChannelOptions,
  type Codec,
  type Duration,
  type Millrace,
  MillraceError,
  type Receipt,
  type Supports,
  hasCode,
  queue,
  stream,
  topic,
} from "../../index.js";
import { defaultLimits } from "../../base/limits.js";
import { directoryOf } from "../address.js";
import type { Call } from "../call.js";
import { CommandError } from "../failure.js";
import { InputFile, type Line, linesOf } from "../input.js";
import { count, date, duration, header, oneOf } from "../option-values.js";
import { type Outgoing, outgoingOfJson, outgoingOfText } from "../outgoing.js";
import { Progress } from "../progress.js";
import { SendWindow } from "../send-window.js";
import { formatCount, formatCounted } from "../units.js";
import type { Verb } from "../verb.js";
import { viewOffset } from "../message-view.js";

interface SendVerbOptions {
  readonly file?: string;
  readonly kind?: ChannelKind;
  readonly partitions?: number;
  readonly key?: string;
  readonly id?: string;
  readonly priority?: number;
  readonly delay?: Duration;
  readonly at?: Date;
  readonly expires?: Duration;
  readonly header?: Readonly<Record<string, string>>;
  readonly timeout?: Duration;
  readonly receipts?: boolean;
}

type Payload = Uint8Array | string;

/** Lines are sent as they are; what they mean is for those who handle them. */
const asItIs: Codec<Payload> = { name: "bytes", encode: (payload) => payload, decode: (stored) => stored.slice() };

/** A line in JSON with base64 in it is longer than the message it holds. */
const lineBytesMax = 2 * defaultLimits.messageBytesMax;

export const send: Verb<SendVerbOptions> = {
  declare(command: Command): void {
    command
      .argument("<channel>", "where to; a new one is made")
      .argument("[payloads...]", "what to send, instead of reading stdin")
      .option("-f, --file <path>", "read lines from a file instead of stdin")
      .option(
        "--kind <kind>",
        "what a new channel is: queue, stream or topic (default: queue)",
        oneOf(["queue", "stream", "topic"]),
      )
      .option("--partitions <n>", "of a new stream (default: 4)", count)
      .option("-k, --key <key>", "the key of each message that brings none")
      .option("--id <id>", "the id of the only message")
      .option(
        "--priority <n>",
        "the priority of each message that brings none, in a queue that has them: 1 is the lowest",
        count,
      )
      .option("--delay <duration>", "to a queue: handed out no sooner than this from now, such as 10m", duration)
      .option("--at <date>", "to a queue: handed out no sooner than this date", date)
      .option("--expires <duration>", "to a queue: of no use any more after this, such as 1h", duration)
      .option("-H, --header <name=value>", "a header of each message; may be given many times", header)
      .option(
        "--timeout <duration>",
        "how long to wait for room in a full channel (default: not at all in a directory, where nobody else can make any)",
        duration,
      )
      .option("--receipts", "print where each message was stored, one JSON object a line");
  },

  async run(call: Call, options: SendVerbOptions): Promise<void> {
    assertTogether(call, options);
    const file = options.file === undefined ? undefined : InputFile.open(options.file);
    try {
      await call.with((mill) => sendAll(call, mill, { ...options, input: file }), { create: true });
    } finally {
      file?.close();
    }
  },
};

function assertTogether(call: Call, options: SendVerbOptions): void {
  const payloads = call.operands.length - 1;
  if (payloads > 0 && options.file !== undefined)
    throw new CommandError("USAGE", "give either payloads or --file, not both");
  if (options.delay !== undefined && options.at !== undefined)
    throw new CommandError("USAGE", "give either --delay or --at, not both");
  if (options.id !== undefined && payloads !== 1) {
    throw new CommandError("USAGE", "--id belongs to one message: give its payload as an argument, or ids with --json");
  }
}

type Work = SendVerbOptions & { readonly input: InputFile | undefined };

async function sendAll(call: Call, mill: Millrace, work: Work): Promise<void> {
  const channel = await channelToSendTo(call, mill, work);
  const progress = new Progress(call.io.clock, call.notes, "messages");
  const window = new SendWindow(mill, channel, {
    signal: call.signal,
    timeout: work.timeout,
    canOthersMakeRoom: directoryOf(call.on) === undefined,
    delay: work.delay,
    at: work.at,
    expires: work.expires,
    onReceipt: work.receipts === true ? (receipt) => call.object(viewReceipt(receipt)) : undefined,
  });
  const pace = (line: Line): Promise<void> =>
    progress.at(window.tally.sent, work.input && line.endsAt / work.input.bytes);
  try {
    for await (const lines of linesToSend(call, work)) {
      await pushAll(window, { lines, outgoing: (line) => outgoingOf(call, work, line), pace });
      if (window.failed || call.signal.aborted) break;
    }
  } catch (error) {
    await window.settled();
    throw withTally(error, window);
  } finally {
    await window.settled();
    await progress.clear();
  }
  await report(call, { channel, window, work, measured: progress.tally(window.tally.sent) });
}

interface Batch {
  readonly lines: readonly Line[];
  readonly outgoing: (line: Line) => Outgoing;
  /** Called whenever there was a wait. */
  readonly pace: (line: Line) => Promise<void>;
}

async function pushAll(window: SendWindow, { lines, outgoing, pace }: Batch): Promise<void> {
  for (const line of lines) {
    const full = window.push(outgoing(line), line.number);
    if (full === undefined) continue;
    await full;
    await pace(line);
    if (window.failed || window.stopped) return;
  }
}

/** Input that cannot be understood ends the sending: how much went out before it has to be known to go on from there. */
function withTally(error: unknown, window: SendWindow): unknown {
  if (!(error instanceof CommandError)) return error;
  return new CommandError(error.code, `${error.message} (sent before: ${formatCount(window.tally.sent)})`, {
    cause: error,
  });
}

async function report(
  call: Call,
  end: { channel: Channel<Payload>; window: SendWindow; work: Work; measured: string },
): Promise<void> {
  const { channel, window, work, measured } = end;
  const { sent, duplicates, dropped } = window.tally;
  window.throwFailure();
  call.assertNotInterrupted(
    `stopped; sent to ${channel.kind} ${channel.name} before that: ${formatCounted(sent, "message")}`,
  );
  if (call.json && work.receipts !== true)
    await call.object({ channel: channel.name, kind: channel.kind, sent, duplicates, dropped });
  const besides = [
    duplicates > 0 ? `, ${formatCount(duplicates)} of them known already` : "",
    dropped > 0 ? `, ${formatCount(dropped)} of them dropped because it is full` : "",
  ];
  if (!call.json)
    await call.note(
      `sent ${formatCounted(sent, "message")} to ${channel.kind} ${channel.name}${besides.join("")}${measured}`,
    );
}

/** The channel as it is stored, or a new one. */
async function channelToSendTo(call: Call, mill: Millrace, options: SendVerbOptions): Promise<Channel<Payload>> {
  try {
    const found = await mill.admin.channel(call.channel, asItIs);
    if (options.kind === undefined || options.kind === found.kind) return found;
    throw new MillraceError(
      "CHANNEL_MISMATCH",
      `${found.name} is a ${found.kind} and cannot become a ${options.kind}: leave out --kind, or send to a channel of another name`,
    );
  } catch (error) {
    if (!hasCode(error, "CHANNEL_UNKNOWN")) throw error;
  }
  const channel = newChannel(call.channel, options, mill.supports);
  if (options.kind === undefined)
    await call.note(`there is no channel ${channel.name} yet: it becomes a queue (--kind says what else)`);
  return channel;
}

function newChannel(name: string, options: SendVerbOptions, supports: Supports): Channel<Payload> {
  const common: ChannelOptions<Payload> = { codec: asItIs };
  if (options.kind === "stream") return stream(name, { ...common, partitions: options.partitions });
  if (options.partitions !== undefined) {
    throw new CommandError("USAGE", "--partitions is for a new stream: say --kind stream");
  }
  if (options.kind === "topic") return topic(name, common);
  // Where ids cannot be compared they are stored all the same: input that brings them must not be refused for it.
  return queue(name, supports.dedup.level === "refused" ? { ...common, dedup: 0 } : common);
}

/** What a line says, completed by what the options say of all lines. */
function outgoingOf(call: Call, options: SendVerbOptions, line: Line): Outgoing {
  const outgoing = call.json ? outgoingOfJson(line) : outgoingOfText(line);
  return {
    payload: outgoing.payload,
    key: outgoing.key ?? options.key,
    id: outgoing.id ?? options.id,
    priority: outgoing.priority ?? options.priority,
    headers: options.header === undefined ? outgoing.headers : { ...options.header, ...outgoing.headers },
  };
}

async function* linesToSend(call: Call, work: Work): AsyncGenerator<readonly Line[]> {
  const [, ...payloads] = call.operands;
  if (payloads.length > 0) {
    yield payloads.map((payload, index) => ({ number: index + 1, bytes: Buffer.from(payload), endsAt: 0 }));
    return;
  }
  if (work.input === undefined && call.io.stdin.isTTY === true) {
    await call.note("type a message a line; Ctrl-D ends");
  }
  for await (const lines of linesOf(work.input?.chunks() ?? stdinChunks(call), lineBytesMax)) {
    // An empty line is a break between lines, not an empty message.
    yield lines.filter((line) => line.bytes.length > 0);
  }
}

/** stdin until it ends or the call is told to: a terminal or a pipe may be silent for hours. */
async function* stdinChunks(call: Call): AsyncGenerator<Uint8Array> {
  const { stdin } = call.io;
  const stop = (): void => void stdin.destroy();
  call.signal.addEventListener("abort", stop, { once: true });
  if (call.signal.aborted) stop();
  try {
    yield* stdin as AsyncIterable<Uint8Array>;
  } catch (error) {
    if (!call.signal.aborted) throw error;
  } finally {
    call.signal.removeEventListener("abort", stop);
  }
}

function viewReceipt(receipt: Receipt): unknown {
  const { id, partition, offset, duplicate, dropped } = receipt;
  return { id, partition: partition ?? null, offset: viewOffset(offset), duplicate, dropped };
}
