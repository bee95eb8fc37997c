/**
 * Ends the process once all that was said is out. What is over need not wait for timers that nobody can reach: the engine of
 * the migrations leaves one of ten seconds behind.
 */
export async function leave(code: number): Promise<never> {
  for (const stream of [process.stdout, process.stderr])
    await new Promise<void>((resolve) => stream.write('', () => resolve()));
  process.exit(code);
}
