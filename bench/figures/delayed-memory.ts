/** Ten million delayed messages: what they cost in memory, and how long it takes to open them again. */
import { memoryFigure } from "../memory.js";

export const delayedMemory = memoryFigure({ name: "delayed-memory", kind: "delayed", what: "10 M delayed", share: 1 });
