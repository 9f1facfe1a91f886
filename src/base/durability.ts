/** How soon a send may resolve: after the disk has it; after a write, synced every so often; after a write. */
export type Durability = "fsync" | "interval" | "os";
