/**
 * A channel with a schema refuses what does not fulfil it, when it is sent. It is checked again on receipt: what no longer
 * fulfils it is a dead letter, not a surprise in the handler. Any library that speaks Standard Schema will do; this is zod.
 */
import { hasCode, open, queue } from "millrace";
import { z } from "zod";

const Signup = z.object({
  email: z.email(),
  plan: z.enum(["free", "paid"]).default("free"),
});
const signups = queue("signups", { schema: Signup });

await using mill = await open("memory:");

const welcomed = new Promise<void>((resolve) => {
  // The type of `signup` comes from the schema; so does the plan that nobody named.
  mill.handle(signups, (signup) => {
    console.log(`welcome ${signup.email}, ${signup.plan}`);
    resolve();
  });
});

await mill.send(signups, Signup.parse({ email: "ada@example.org" }));
await welcomed;

const fromOutside = JSON.parse('{ "email": "nobody", "plan": "gold" }') as z.infer<typeof Signup>;
try {
  await mill.send(signups, fromOutside);
} catch (error) {
  if (hasCode(error, "PAYLOAD_INVALID")) console.log(`refused with ${error.code}, retryable: ${error.retryable}`);
}

// Output:
// welcome ada@example.org, free
// refused with PAYLOAD_INVALID, retryable: false
