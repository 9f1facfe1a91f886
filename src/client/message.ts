/** A message as it was stored. */
export interface Message<T> {
  /** The id given, or the position as "<channel>/<partition>/<offset>". */
  readonly id: string;
  readonly key: string | undefined;
  readonly headers: Readonly<Record<string, string>>;
  /**
   * Decoded when first asked for, and checked against the channel's schema.
   * @throws MillraceError PAYLOAD_UNREADABLE or PAYLOAD_INVALID when it cannot be.
   */
  readonly value: T;
  readonly sentAt: Date;
  /** Where it is stored, as far as the broker tells: always with a stream. */
  readonly partition: number | undefined;
  readonly offset: bigint | undefined;
  /** The broker client's own message. */
  unwrap(): unknown;
}
