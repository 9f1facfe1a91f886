import type { Socket } from "node:net";

/** RFC 5321 allows 1,000 bytes; whoever sends more without an end of line is not speaking SMTP. */
const lineCharactersMax = 4_096;

/** The lines that arrive on a socket, without their ends. */
export class LineReader implements AsyncIterable<string> {
  readonly #socket: Socket;

  constructor(socket: Socket) {
    this.#socket = socket;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<string, void, undefined> {
    let rest = "";
    for await (const chunk of this.#socket.setEncoding("utf8")) {
      const lines = (rest + String(chunk)).split("\r\n");
      rest = lines.pop() ?? "";
      yield* lines;
      if (rest.length > lineCharactersMax)
        throw new RangeError(`a line is longer than ${lineCharactersMax} characters`);
    }
  }
}
