/** A process that opens the directory it is given, stores a message, says so, and keeps it open until it is ended. */
import { open, queue } from "../../dist/index.js";

const mill = await open(process.argv[2]);
await mill.send(queue("emails"), "stored before the kill");
process.stdout.write("open\n");
process.stdin.resume();
process.stdin.on("end", () => void mill.close());
