const quote = 0x22;
const backslash = 0x5c;

/**
 * Tells whether JSON text nests deeper than allowed, without parsing it: parsers recurse, and what reads the result
 * recurses again. Looks at brackets outside of strings; says nothing about validity.
 */
export function nestsDeeperThan(limit: number, json: Buffer): boolean {
  let depth = 0;
  let inString = false;
  for (let index = 0; index < json.length; index += 1) {
    const byte = json[index];
    if (inString) {
      if (byte === backslash) index += 1;
      else if (byte === quote) inString = false;
    } else if (byte === quote) {
      inString = true;
    } else if (byte === 0x7b || byte === 0x5b) {
      depth += 1;
      if (depth > limit) return true;
    } else if (byte === 0x7d || byte === 0x5d) {
      depth -= 1;
    }
  }
  return false;
}
