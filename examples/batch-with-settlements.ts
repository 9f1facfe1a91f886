/**
 * A batch handler gets many messages in one call, for work that is cheaper together: one insert, one request, one sync.
 * Each is settled by itself: return one settlement for each value; `undefined` is done.
 */
import { fixed, later, open, queue, reject } from "millrace";

const uploads = queue<string>("uploads", { backoff: fixed("5ms") });

await using mill = await open("memory:");
await mill.sendAll(uploads, ["cat.png", "virus.exe", "dog.png", "slow.png"]);

const slowIsDone = new Promise<void>((resolve) => {
  mill.handleBatch(
    uploads,
    async (names, deliveries) => {
      console.log(`a batch of ${names.length}: ${names.join(" ")}`);
      if (names.includes("slow.png") && deliveries[0]?.attempt === 2) resolve();
      return names.map((name, index) => {
        if (name.endsWith(".exe")) return reject("not a picture");
        if (name.startsWith("slow") && deliveries[index]?.attempt === 1) return later("10ms", "still being written");
        return undefined;
      });
    },
    { size: 100 },
  );
});

await slowIsDone;
for (const letter of await mill.admin.dead(uploads).list())
  console.log(`dead: ${letter.message.value}, ${letter.error.message}`);

// Output:
// a batch of 4: cat.png virus.exe dog.png slow.png
// a batch of 1: slow.png
// dead: virus.exe, not a picture
