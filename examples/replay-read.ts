/**
 * `read` looks at a stream's history from any point, outside any group: it moves nobody's position.
 * A message's value is decoded when it is first asked for, so counting or searching by key costs little.
 */
import { open, stream } from "millrace";

const visits = stream<{ page: string }>("visits", { partitions: 1 });

await using mill = await open("memory:");
await mill.sendAll(
  visits,
  ["/", "/docs", "/docs/queues", "/pricing"].map((page) => ({ page })),
);

for await (const message of mill.read(visits, { until: "end" })) {
  console.log(`${message.offset} ${message.value.page}`);
}

for await (const message of mill.read(visits, { partition: 0, from: 1n, until: 3n })) {
  console.log(`again: ${message.offset} ${message.value.page}`);
}

// Without `until`, reading goes on with what comes; leaving the loop ends it.
const following = (async () => {
  for await (const message of mill.read(visits, { from: "latest" })) return message.value.page;
  return undefined;
})();
const wait = setInterval(() => void mill.send(visits, { page: "/news" }), 5);
console.log(`followed: ${await following}`);
clearInterval(wait);

// Output:
// 0 /
// 1 /docs
// 2 /docs/queues
// 3 /pricing
// again: 1 /docs
// again: 2 /docs/queues
// followed: /news
