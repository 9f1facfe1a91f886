/**
 * The seed of every property that names none of its own: the same each time, so that a run says something about the code and not about luck.
 * `MILLRACE_SEED=random npm test` looks elsewhere, and so does a number; a failure prints the seed it was found with.
 */
import fc from "fast-check";

const given = process.env["MILLRACE_SEED"];
if (given !== "random") fc.configureGlobal({ seed: given === undefined ? 20_26 : Number(given) });
