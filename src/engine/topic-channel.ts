/** A durable topic: each group gets every message, also those sent while it was away. */
import type { EngineContext } from "./context.js";
import type { ConsumeOptions, Source } from "./message.js";
import type { KnownChannel } from "./meta.js";
import { Joining } from "./joining.js";
import { startsOf } from "./start.js";
import { WorkChannel } from "./work-channel.js";
import type { WorkGroup } from "./work-group.js";

export class TopicChannel extends WorkChannel {
  readonly #joining = new Joining<WorkGroup>();

  constructor(context: EngineContext, known: KnownChannel) {
    super(context, known);
    for (const group of known.groups.values()) this.openGroup(group);
  }

  override async consume(options: ConsumeOptions): Promise<Source> {
    const group = this.groups.get(options.group) ?? (await this.#firstConsume(options));
    return this.join(group, options);
  }

  protected override committed(partition: number): void {
    super.committed(partition);
    if (!this.hasGroups) this.mayHaveOutgrown(partition);
  }

  /** The group exists from now on. Several consumers may be the first at once. */
  #firstConsume(options: ConsumeOptions): Promise<WorkGroup> {
    const name = options.group;
    return this.#joining.join(name, async () => {
      const starts = startsOf(options.from, this.partitions);
      return this.openGroup(await this.context.addGroup(this.known, { name, starts }));
    });
  }
}
