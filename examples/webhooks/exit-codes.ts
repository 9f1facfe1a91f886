/** As the command line of Millrace has them. */
export const exitCodes = { whole: 0, failed: 1, usage: 2, interrupted: 130 } as const;
