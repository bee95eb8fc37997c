import { GraphQLError } from 'graphql';
import { AppError } from '../errors.ts';
import { InvalidInput } from '../sync/graph/write-context.ts';

/** Codes in `extensions.code`; each is stable. */
export function forbidden(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'FORBIDDEN' } });
}

/** @param field path of the argument at fault; in `extensions.field`, as in a mutation's `userErrors` */
export function badInput(message: string, field?: readonly string[]): GraphQLError {
  const code = 'BAD_USER_INPUT';
  return new GraphQLError(message, { extensions: field === undefined ? { code } : { code, field } });
}

export function tooComplex(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'TOO_COMPLEX' } });
}

/** What a caller may see of an error: those made for callers as they are, all others with an id that is in the log. */
export function publicError(error: unknown, logUnexpected: (cause: unknown) => string): GraphQLError {
  if (error instanceof GraphQLError) {
    const cause = error.originalError;
    if (cause === undefined || cause === null || cause instanceof GraphQLError) {
      // Compiled documents make errors of their own, whose extensions may be missing whatever the type says.
      const extensions = error.extensions as GraphQLError['extensions'] | undefined;
      if (extensions?.code !== undefined) return error;
      // What has a path was found wrong while running: an argument that no type could tell.
      const code = error.path === undefined ? 'GRAPHQL_VALIDATION_FAILED' : 'BAD_USER_INPUT';
      return located(error, error.message, { ...extensions, code });
    }
    if (cause instanceof AppError) return located(error, textOf(cause), extensionsOf(cause));
    const id = logUnexpected(cause);
    return located(error, unexpectedText(id), { code: 'INTERNAL_SERVER_ERROR', id });
  }
  if (error instanceof AppError) {
    return new GraphQLError(textOf(error), { extensions: extensionsOf(error) });
  }
  const id = logUnexpected(error);
  return new GraphQLError(unexpectedText(id), { extensions: { code: 'INTERNAL_SERVER_ERROR', id } });
}

/** What a caller is told: what is wrong, and what can be done about it. */
export function textOf({ publicMessage, remedy }: AppError): string {
  return remedy === null ? publicMessage : `${publicMessage} ${remedy}`;
}

function extensionsOf(error: AppError): Record<string, unknown> {
  const { code, field } = error;
  if (field === null) return { code };
  return { code, field: [...(error instanceof InvalidInput ? ['input'] : []), ...field.split('.')] };
}

function unexpectedText(id: string): string {
  return `Something went wrong here. The log tells more under ${id}.`;
}

function located(error: GraphQLError, message: string, extensions: Record<string, unknown>): GraphQLError {
  return new GraphQLError(message, {
    ...(error.nodes === undefined ? {} : { nodes: error.nodes }),
    ...(error.source === undefined ? {} : { source: error.source }),
    ...(error.positions === undefined ? {} : { positions: error.positions }),
    ...(error.path === undefined ? {} : { path: error.path }),
    extensions,
  });
}
