type Handler = (argument: never) => unknown;

/** In a child process: answers `Child.call` by the name of the handler, until the process is told to stop. */
export function answerParent(
  handlers: Readonly<Record<string, Handler>>,
  onStop: () => Promise<void> = async () => {},
): void {
  process.on(
    'message',
    async ({ call, name, argument }: { call: number; name: string; argument: unknown }) => {
      try {
        const handler = handlers[name];
        if (handler === undefined) throw new Error(`no handler ${name}`);
        process.send?.({ call, result: await handler(argument as never) });
      } catch (error) {
        process.send?.({
          call,
          error: error instanceof Error ? (error.stack ?? error.message) : String(error),
        });
      }
    },
  );
  // The parent speaks first and stops us in the end: until then the channel keeps this process alive.
  process.channel?.ref();
  process.once('SIGTERM', async () => {
    await onStop();
    process.exit(0);
  });
}
