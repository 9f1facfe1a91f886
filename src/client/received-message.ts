import type { IncomingMessage } from "../driver.js";
import { LazyMessage } from "./lazy-message.js";
import type { Reading } from "./reading.js";

/** A message as the driver gave it. */
export class ReceivedMessage<T> extends LazyMessage<T> {
  protected readonly incoming: IncomingMessage;
  protected readonly reading: Reading<T>;

  constructor(incoming: IncomingMessage, reading: Reading<T>, value?: { readonly value: T }) {
    super(value);
    this.incoming = incoming;
    this.reading = reading;
  }
}
