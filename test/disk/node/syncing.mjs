/** Makes a directory, a file and its name durable; a tracer watches. */
import { nodeDisk } from "../../../dist/disk/node.js";

const disk = nodeDisk(process.argv[2]);
disk.makeDirectory("");
disk.makeDirectory("d");
const file = disk.open("d/file", "create");
file.write(Buffer.from("abc"), 0);
await file.sync();
await disk.syncDirectory("d");
await disk.syncDirectory("");
file.close();
disk.makeDirectory("");
