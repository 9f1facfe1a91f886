/** Five million ids within the window: what remembering them costs in memory, and how long it takes to open them again. */
import { memoryFigure } from "../memory.js";

export const dedupMemory = memoryFigure({ name: "dedup-memory", kind: "ids", what: "5 M ids", share: 0.5 });
