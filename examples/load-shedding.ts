/**
 * A service that turns requests away while too much waits, before they cost anything: 503 with Retry-After, by depth, by the age of the
 * oldest message, or by how long a message sent now would have to wait.
 */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { loadShedder, open, queue } from "millrace";

const orders = queue<number>("orders");

await using mill = await open("memory:");
const shedder = loadShedder(mill, { channel: orders, depth: { enter: 3, leave: 1 } });

const server = createServer((request, response) => {
  shedder(request, response, () => {
    void mill.send(orders, 1).then(() => response.writeHead(202).end());
  });
}).listen(0, "127.0.0.1");
await new Promise((resolve) => server.once("listening", resolve));
const { port } = server.address() as AddressInfo;

async function order(): Promise<void> {
  const response = await fetch(`http://127.0.0.1:${port}/orders`, { method: "POST" });
  const again = response.headers.get("retry-after");
  console.log(again === null ? `${response.status}` : `${response.status}, try again in ${again} s`);
}

await order();
await order();
await order();
await shedder.look(); // it looks by itself once a second; here it shall be now
await order();

const consumer = mill.handle(orders, () => {});
while ((await mill.admin.stats(orders)).messages > 0) await new Promise((resolve) => setImmediate(resolve));
await shedder.look();
await order();

await consumer.close();
shedder.close();
server.close();
server.closeAllConnections();

// Output:
// 202
// 202
// 202
// 503, try again in 5 s
// 202
