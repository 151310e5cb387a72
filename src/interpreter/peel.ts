import type {Tensor} from '@tensorflow/tfjs-core';
import type {Level} from './level.js';
import {recordOf} from './tracer.js';

/** A tensor without what levels know of it. */
export interface Peeled {
  /**
   * The bare numbers: `[…examples, ...shape]`, with a dimension for each of `levels`, the outermost first. In a graph that is being captured they
   * are not known: to read them is refused.
   */
  readonly values: Tensor;
  readonly areKnown: boolean;
  /** The levels in which the tensor has a value of its own for each example, innermost first. */
  readonly levels: readonly Level[];
}

/**
 * NOTE [peeling]
 * Control flow depends on values. Levels that differentiate let them through: what a predicate says at a point does not depend on
 * tangents or tapes. A level that maps has many, one per example, in a tensor of a lower level. So peeling a tracer level by level ends
 * at a tensor of tfjs's own, which can be read, and says which levels' examples may disagree. What it gives belongs to the tracer.
 */
export function peel(tensor: Tensor): Peeled {
  const levels: Level[] = [];
  let values = tensor;
  for (let record = recordOf(values); record !== null; record = recordOf(values)) {
    const {level} = record;
    level.assertActive();
    if (level.hidesValues) return {values, areKnown: false, levels};
    if (!level.differentiates) levels.push(level);
    values = level.below(values);
  }
  return {values, areKnown: true, levels};
}
