import { AppError } from './errors.ts';

/** Tells a person on the command line what went wrong: in words where it is known, with the stack where it is not. */
export function complain(error: unknown, usage: string): void {
  if (error instanceof AppError) {
    console.error(error.remedy === null ? error.publicMessage : `${error.publicMessage} ${error.remedy}`);
  } else if (error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_PARSE_ARGS')) {
    console.error(`${error.message}\n\n${usage}`);
  } else if (error instanceof Error && 'code' in error && error.code === 'EADDRINUSE') {
    const port = 'port' in error ? ` ${String(error.port)}` : '';
    console.error(`Port${port} is taken by another process (EADDRINUSE). Stop it first.`);
  } else console.error(error);
}
