import { access, constants, mkdir } from 'node:fs/promises';
import { resolve } from 'node:path';
import { AppError } from './errors.ts';

/** Makes the folder of all that is kept on this machine. @throws AppError DATA_DIR_UNUSABLE, with the remedy. */
export async function prepareDataDir(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true });
    await access(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    throw new AppError({
      code: 'DATA_DIR_UNUSABLE',
      retryable: false,
      publicMessage: `Nothing can be kept in ${resolve(path)}: ${reasons[code] ?? (error instanceof Error ? error.message : String(error))}.`,
      remedy: 'Name another folder with DATA_DIR, or give this user the right to write there.',
      cause: error,
    });
  }
}

const reasons: Readonly<Record<string, string>> = {
  EACCES: 'this user may not write there',
  EPERM: 'this user may not write there',
  EROFS: 'it cannot be written to',
  ENOENT: 'it cannot be made there',
  ENOSPC: 'no room is left',
  EEXIST: 'it is a file and no folder',
  ENOTDIR: 'a part of the path is a file and no folder',
};
