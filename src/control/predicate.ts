import {Tensor} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {detach} from '../interpreter/hook.js';
import type {Level} from '../interpreter/level.js';
import {peel} from '../interpreter/peel.js';
import {recordOf} from '../interpreter/tracer.js';
import {sliceAlong} from '../rules/dims.js';
import {cast, reshape, where} from '../rules/ops.js';
import {run} from '../rules/rule.js';
import {BatchingLevel} from '../transforms/batching.js';
import {mapLeaves, tensorsOf, withTensors} from '../tree.js';

/** What code branches on. */
export type Predicate = boolean | Tensor;

/**
 * Reads a predicate.
 * @returns  its value, or that of each example where it differs between the examples of a vmap
 * @throws TransformError `invalid-argument`, `disposed-tensor`
 */
export function readPredicate(
  predicate: unknown,
  transform: string,
  what: string,
): boolean | Examples {
  if (typeof predicate === 'boolean') return predicate;
  const mask = toBool(predicate, transform, what);
  const {values, levels} = peel(mask);
  const truths = Array.from(values.dataSync(), Boolean);
  return levels.length === 0 ? truths[0]! : new Examples(mask, truths, levels, values.shape);
}

/** A predicate as a scalar of dtype bool: other numbers count as true unless they are zero. */
export function toBool(predicate: unknown, transform: string, what: string): Tensor {
  if (!(predicate instanceof Tensor) || predicate.rank > 0 || predicate.dtype === 'string') {
    const wayOut =
      predicate instanceof Tensor && predicate.rank > 0
        ? ` Reduce it (tf.all, tf.any), choose element by element with tf.where, or map over its elements with vmap.`
        : '';
    throw new TransformError(
      `${what} is ${describe(predicate)}, but must be a boolean or a scalar tensor.${wayOut}`,
      {code: 'invalid-argument', transform},
    );
  }
  if (predicate.isDisposed) {
    throw new TransformError(`${what} (${describe(predicate)}) is disposed.`, {
      code: 'disposed-tensor',
      transform,
    });
  }
  return cast(predicate, 'bool');
}

/** The examples of one or more vmaps, for some of which a predicate holds. */
class Examples {
  /**
   * @param mask  the predicate, a scalar of dtype bool
   * @param truths  its values, in the order of a tensor of the given shape with a dimension for each level, the outermost first
   * @param levels  innermost first
   */
  constructor(
    readonly mask: Tensor,
    private readonly truths: readonly boolean[],
    private readonly levels: readonly Level[],
    private readonly shape: readonly number[],
  ) {}

  get some(): boolean {
    return this.truths.includes(true);
  }

  get all(): boolean {
    return !this.truths.includes(false);
  }

  /** The examples for which it does not hold. */
  others(): Examples {
    const mask = run('LogicalNot', {x: this.mask});
    return new Examples(
      mask,
      this.truths.map((truth) => !truth),
      this.levels,
      this.shape,
    );
  }

  /**
   * Calls a function whose results are only used for examples for which the predicate holds.
   *
   * The others take part all the same, with the values of an example for which it holds, as constants. With their own a loop inside might
   * never end, and an infinite derivative at a point where the function would not have been called (√x at 0) times the zero cotangent of a
   * result that is not used would be NaN, and spoil gradients, those with respect to what all examples share among them.
   */
  call<A extends unknown[], R>(f: (...args: A) => R, args: A): R {
    if (this.all) return f(...args);
    const place = this.firstPlace();
    const safe = mapLeaves(args, (leaf) =>
      leaf instanceof Tensor && this.maySpoil(leaf)
        ? where(this.mask, leaf, exampleAt(detach(leaf), place))
        : leaf,
    );
    return f(...(safe as A));
  }

  /** `t` for the examples for which the predicate holds, `e` for the others: trees alike. */
  choose<T>(t: T, e: T): T {
    if (this.all) return t;
    const others = tensorsOf(e);
    return withTensors(
      t,
      tensorsOf(t).map((tensor, index) => where(this.mask, tensor, others[index]!)),
    );
  }

  /** Whether a tensor has values of its own for those examples. */
  private maySpoil(tensor: Tensor): boolean {
    return peel(tensor).levels.some((level) => this.levels.includes(level));
  }

  /** Where there is an example for which it holds: its number in each level. */
  private firstPlace(): ReadonlyMap<Level, number> {
    let rest = this.truths.indexOf(true);
    const place = new Map<Level, number>();
    this.levels.forEach((level, index) => {
      const size = this.shape[this.shape.length - 1 - index]!;
      place.set(level, rest % size);
      rest = Math.floor(rest / size);
    });
    return place;
  }
}

/** The value of a tensor that only levels of vmap trace for one of the examples. Other levels' examples keep theirs. */
function exampleAt(tensor: Tensor, place: ReadonlyMap<Level, number>): Tensor {
  const level = recordOf(tensor)?.level;
  if (!(level instanceof BatchingLevel)) return tensor;
  const values = level.below(tensor);
  const index = place.get(level);
  if (index === undefined) return level.adopt(exampleAt(values, place));
  return exampleAt(reshape(sliceAlong(values, 0, index, 1), tensor.shape), place);
}
