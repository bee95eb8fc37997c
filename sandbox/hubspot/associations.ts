import type { AssociationCategory, ObjectTypeId } from './object-types.ts';

export interface AssociationSpec {
  category: AssociationCategory;
  typeId: number;
}

/** One direction of one association; the other direction is an entry of its own. */
export interface AssociationEdge extends AssociationSpec {
  fromType: ObjectTypeId;
  fromId: string;
  toType: ObjectTypeId;
  toId: string;
}

/** Who is tied to whom: every look-up by (type, id) is one Map access. */
export class Associations {
  #from = new Map<string, Map<ObjectTypeId, Map<string, AssociationSpec[]>>>();

  /** False where the edge stood already. */
  add(edge: AssociationEdge): boolean {
    const targets = this.#targets(edge.fromType, edge.fromId, edge.toType);
    const specs = targets.get(edge.toId) ?? [];
    if (specs.some((one) => one.typeId === edge.typeId && one.category === edge.category)) return false;
    specs.push({ category: edge.category, typeId: edge.typeId });
    targets.set(edge.toId, specs);
    return true;
  }

  remove(edge: AssociationEdge): boolean {
    const targets = this.#targets(edge.fromType, edge.fromId, edge.toType);
    const specs = targets.get(edge.toId);
    if (specs === undefined) return false;
    const left = specs.filter((one) => one.typeId !== edge.typeId || one.category !== edge.category);
    if (left.length === specs.length) return false;
    if (left.length === 0) targets.delete(edge.toId);
    else targets.set(edge.toId, left);
    return true;
  }

  between(
    fromType: ObjectTypeId,
    fromId: string,
    toType: ObjectTypeId,
    toId: string,
  ): readonly AssociationSpec[] {
    return this.#from.get(`${fromType}/${fromId}`)?.get(toType)?.get(toId) ?? [];
  }

  of(
    fromType: ObjectTypeId,
    fromId: string,
    toType: ObjectTypeId,
  ): readonly { toId: string; specs: readonly AssociationSpec[] }[] {
    const targets = this.#from.get(`${fromType}/${fromId}`)?.get(toType);
    return targets === undefined ? [] : [...targets].map(([toId, specs]) => ({ toId, specs }));
  }

  /** Every edge that leaves a record. */
  edgesOf(fromType: ObjectTypeId, fromId: string): AssociationEdge[] {
    const edges: AssociationEdge[] = [];
    for (const [toType, targets] of this.#from.get(`${fromType}/${fromId}`) ?? [])
      for (const [toId, specs] of targets)
        for (const spec of specs) edges.push({ fromType, fromId, toType, toId, ...spec });
    return edges;
  }

  *all(): Generator<AssociationEdge> {
    for (const [key, byType] of this.#from) {
      const [fromType, fromId] = key.split('/') as [ObjectTypeId, string];
      for (const [toType, targets] of byType)
        for (const [toId, specs] of targets)
          for (const spec of specs) yield { fromType, fromId, toType, toId, ...spec };
    }
  }

  clear(): void {
    this.#from.clear();
  }

  #targets(fromType: ObjectTypeId, fromId: string, toType: ObjectTypeId): Map<string, AssociationSpec[]> {
    const key = `${fromType}/${fromId}`;
    let byType = this.#from.get(key);
    if (byType === undefined) {
      byType = new Map();
      this.#from.set(key, byType);
    }
    let targets = byType.get(toType);
    if (targets === undefined) {
      targets = new Map();
      byType.set(toType, targets);
    }
    return targets;
  }
}
