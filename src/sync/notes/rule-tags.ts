import type { FulfilmentRuleKind } from '../../model/fulfilment-rule.ts';

/**
 * An order's tags once its rules have changed: tags of kinds that have come into force are added, those of kinds that are
 * no longer in force taken away. What a person has taken away at the platform stays away. Pure.
 */
export function tagsAfter(
  tags: readonly string[],
  before: ReadonlySet<FulfilmentRuleKind>,
  after: ReadonlySet<FulfilmentRuleKind>,
): string[] {
  const gone = new Set([...before].filter((kind) => !after.has(kind)).map(ruleTag));
  const come = [...after].filter((kind) => !before.has(kind)).map(ruleTag);
  return [...new Set([...tags.filter((tag) => !gone.has(tag)), ...come])];
}

/** The tag by which people at the platform see, and filter by, a rule in force. Tags of people never begin like this. */
function ruleTag(kind: FulfilmentRuleKind): string {
  return `note:${kind.replaceAll('_', '-')}`;
}
