interface RawJson {
  readonly rawJSON: string;
}

const json = JSON as typeof JSON & { rawJSON(text: string): RawJson };

/** A number written with exactly these digits, beyond what a JavaScript number can hold. */
export function digits(text: string): RawJson {
  return json.rawJSON(text);
}

/** As `digits`, where there may be no number. */
export function digitsOrNull(text: string | null): RawJson | null {
  return text === null ? null : digits(text);
}
