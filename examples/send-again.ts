/**
 * Whoever does not know whether a send arrived sends again, with the same id: within the queue's window the message is stored once.
 * The window survives the process, here one that ended before it could say what it had sent.
 */
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { open, queue } from "millrace";

interface Payment {
  readonly id: string;
  readonly euros: number;
}

const payments = queue<Payment>("payments", { id: (payment) => payment.id, dedup: "1h" });
const directory = await mkdtemp(join(tmpdir(), "millrace-send-again-"));
const payment = { id: "p-1", euros: 100 };

const first = await open(directory);
console.log("stored:", !(await first.send(payments, payment)).duplicate);
await first.close(); // the answer never reached whoever asked for the payment

const second = await open(directory);
const receipt = await second.send(payments, payment);
console.log(`stored again: ${!receipt.duplicate}, it is ${receipt.id} that is there already`);
console.log("payments waiting:", (await second.admin.stats(payments)).messages);
await second.close();
await rm(directory, { recursive: true });

// Output:
// stored: true
// stored again: false, it is p-1 that is there already
// payments waiting: 1
