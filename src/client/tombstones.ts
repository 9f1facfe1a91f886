import type { ChannelOptions } from "./channel-options.js";
import { bytes, json } from "./codec.js";
import type { Codec } from "./codec.js";
import type { Schema } from "./schema.js";

const nothing = new Uint8Array(0);

/**
 * A compacted stream says that a key is gone by a record without a payload: a tombstone. Its value is `undefined`, which no
 * codec, schema or key function of the channel gets to see.
 */
export function withTombstones<T>(options: ChannelOptions<T>): ChannelOptions<T> {
  const { codec = json as Codec<T>, schema, key, id } = options;
  return {
    ...options,
    codec: codecOf(codec),
    ...(schema === undefined ? {} : { schema: schemaOf(schema) }),
    ...(key === undefined ? {} : { key: (value: T) => (value === undefined ? undefined : key(value)) }),
    ...(id === undefined ? {} : { id: (value: T) => (value === undefined ? undefined : id(value)) }),
  };
}

/** Who reads bytes as they are stored is not told anything else. */
function codecOf<T>(codec: Codec<T>): Codec<T> {
  const isRaw = (codec as Codec<unknown>) === (bytes as Codec<unknown>);
  return {
    name: codec.name,
    encode: (value) => (value === undefined ? nothing : codec.encode(value)),
    decode: (stored) => (stored.length === 0 && !isRaw ? (undefined as T) : codec.decode(stored)),
  };
}

function schemaOf<T>(schema: Schema<T>): Schema<T> {
  const standard = schema["~standard"];
  const validate: typeof standard.validate = (value) =>
    value === undefined ? { value: undefined as T } : standard.validate(value);
  return { "~standard": { ...standard, validate } };
}
