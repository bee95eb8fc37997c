/** The fate of one input of a batch. */
export type Settled<Output> = { ok: true; value: Output } | { ok: false; error: unknown };

export interface NaturalBatchOptions<Input, Output> {
  /** Inputs per call. */
  max: number;
  /** Calls under way at the same time; beyond it inputs gather. */
  concurrent: number;
  /** One call for all of these inputs; its answer has one entry per input, in their order. A throw fails all of them. */
  run(inputs: readonly Input[]): Promise<readonly Settled<Output>[]>;
}

/**
 * Turns single requests into batch calls without ever waiting for company: what is asked in one turn of the event loop
 * leaves together at once, and what comes while every lane is busy leaves together as soon as one is free.
 */
export function naturalBatch<Input, Output>(
  options: NaturalBatchOptions<Input, Output>,
): (input: Input) => Promise<Output> {
  const waiting: { input: Input; resolve: (value: Output) => void; reject: (error: unknown) => void }[] = [];
  let underWay = 0;
  let isScheduled = false;

  const flush = (): void => {
    isScheduled = false;
    while (waiting.length > 0 && underWay < options.concurrent) {
      const batch = waiting.splice(0, options.max);
      underWay += 1;
      options
        .run(batch.map((one) => one.input))
        .then(
          (settled) => {
            for (const [index, one] of batch.entries()) {
              const fate = settled[index];
              if (fate === undefined) one.reject(new Error('the batch call forgot an input'));
              else if (fate.ok) one.resolve(fate.value);
              else one.reject(fate.error);
            }
          },
          (error: unknown) => {
            for (const one of batch) one.reject(error);
          },
        )
        .finally(() => {
          underWay -= 1;
          flush();
        });
    }
  };

  return (input) =>
    new Promise<Output>((resolve, reject) => {
      waiting.push({ input, resolve, reject });
      if (isScheduled || underWay >= options.concurrent) return;
      isScheduled = true;
      setImmediate(flush);
    });
}
