/** Milliseconds of the machine's monotonic clock: the same in every process of a run, so that they can be subtracted. */
export function nowMs(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Asks again until the answer is not null. @throws Error when that takes longer than `withinMs`. */
export async function until<T>(
  what: string,
  ask: () => Promise<T | null> | T | null,
  options: { withinMs: number; everyMs?: number },
): Promise<T> {
  const deadline = nowMs() + options.withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== null) return answer;
    if (nowMs() > deadline) throw new Error(`${what}: not within ${options.withinMs} ms`);
    await sleep(options.everyMs ?? 50);
  }
}
