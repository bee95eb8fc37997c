import { type ASTVisitor, GraphQLError, type ValidationContext } from 'graphql';
import { badInput } from './failures.ts';

const deepest = 32;

/**
 * What is wrong with variables before any type is asked, named by its place; null: nothing. Postgres can hold neither the
 * character NUL nor half of a surrogate pair, and no platform means either.
 */
export function refuseVariables(variables: Record<string, unknown>): GraphQLError | null {
  for (const [name, value] of Object.entries(variables)) {
    const refusal = refuseValue(value, `$${name}`, 0);
    if (refusal !== null) return refusal;
  }
  return null;
}

function refuseValue(value: unknown, place: string, depth: number): GraphQLError | null {
  if (typeof value === 'string') {
    const wrong = whatIsWrongWith(value);
    return wrong === null ? null : badInput(`${place}: ${wrong}`);
  }
  if (typeof value !== 'object' || value === null) return null;
  if (depth === deepest) return badInput(`${place.slice(0, 60)}…: is nested deeper than ${deepest} levels.`);
  const list = Array.isArray(value);
  for (const [key, part] of Object.entries(value)) {
    const refusal = refuseValue(part, list ? `${place}[${key}]` : `${place}.${key}`, depth + 1);
    if (refusal !== null) return refusal;
  }
  return null;
}

/** The same of texts that are written in the document itself. */
export function plainTextRule(context: ValidationContext): ASTVisitor {
  return {
    StringValue(node) {
      const wrong = whatIsWrongWith(node.value);
      if (wrong === null) return;
      context.reportError(
        new GraphQLError(`This text ${wrong}`, { nodes: node, extensions: { code: 'BAD_USER_INPUT' } }),
      );
    },
  };
}

function whatIsWrongWith(text: string): string | null {
  if (text.includes('\0')) return 'must not contain the character NUL.';
  if (!text.isWellFormed()) return 'must not contain half of a surrogate pair.';
  return null;
}
