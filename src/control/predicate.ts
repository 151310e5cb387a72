import {floorDiv, gather, mod, scalar, Tensor, type Scalar} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import {detach} from '../interpreter/hook.js';
import type {Level} from '../interpreter/level.js';
import {peel} from '../interpreter/peel.js';
import {recordOf} from '../interpreter/tracer.js';
import {sliceAlong} from '../rules/dims.js';
import {cast, reshape, where} from '../rules/ops.js';
import {run} from '../rules/rule.js';
import {isFloat} from '../transforms/arguments.js';
import {BatchingLevel} from '../transforms/batching.js';
import {mapLeaves, tensorsOf, withTensors} from '../tree.js';

/** What code branches on. */
export type Predicate = boolean | Tensor;

/**
 * Reads a predicate.
 * @returns  its value, or that of each example where it differs between the examples of a vmap
 * @throws TransformError `invalid-argument`, `disposed-tensor`, `value-read`
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
  return levels.length === 0 ? truths[0]! : new KnownExamples(mask, truths, levels, values.shape);
}

/**
 * The same for a predicate that only chooses between what is computed for both cases: of examples in a graph that is being captured it need not be
 * known.
 */
export function readChoice(
  predicate: unknown,
  transform: string,
  what: string,
): boolean | Examples {
  if (predicate instanceof Tensor) {
    const mask = toBool(predicate, transform, what);
    const {values, areKnown, levels} = peel(mask);
    if (!areKnown && levels.length > 0) return new UnknownExamples(mask, values, levels);
  }
  return readPredicate(predicate, transform, what);
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
abstract class Examples {
  /**
   * @param mask  the predicate, a scalar of dtype bool
   * @param levels  innermost first
   */
  constructor(
    readonly mask: Tensor,
    protected readonly levels: readonly Level[],
  ) {}

  /** Whether the predicate holds for some, or may do so. */
  abstract get some(): boolean;

  /** Whether it is known to hold for all. */
  abstract get all(): boolean;

  /** The examples for which it does not hold. */
  abstract others(): Examples;

  /** The operands of a function whose results are only used for examples for which the predicate holds. */
  protected abstract safe<A extends unknown[]>(args: A): A;

  /**
   * Calls a function whose results are only used for examples for which the predicate holds.
   *
   * The others take part all the same, with the values of an example for which it holds, as constants. With their own a loop inside might
   * never end, and an infinite derivative at a point where the function would not have been called (√x at 0) times the zero cotangent of a
   * result that is not used would be NaN, and spoil gradients, those with respect to what all examples share among them.
   */
  call<A extends unknown[], R>(f: (...args: A) => R, args: A): R {
    return f(...(this.all ? args : this.safe(args)));
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
  protected maySpoil(tensor: Tensor): boolean {
    return peel(tensor).levels.some((level) => this.levels.includes(level));
  }
}

class KnownExamples extends Examples {
  /**
   * @param truths  the predicate's values, in the order of a tensor of the given shape with a dimension for each level, the outermost first
   */
  constructor(
    mask: Tensor,
    private readonly truths: readonly boolean[],
    levels: readonly Level[],
    private readonly shape: readonly number[],
  ) {
    super(mask, levels);
  }

  get some(): boolean {
    return this.truths.includes(true);
  }

  get all(): boolean {
    return !this.truths.includes(false);
  }

  others(): Examples {
    const mask = run('LogicalNot', {x: this.mask});
    return new KnownExamples(
      mask,
      this.truths.map((truth) => !truth),
      this.levels,
      this.shape,
    );
  }

  protected safe<A extends unknown[]>(args: A): A {
    const place = this.firstPlace();
    return mapLeaves(args, (leaf) =>
      leaf instanceof Tensor && this.maySpoil(leaf)
        ? where(this.mask, leaf, exampleAt(detach(leaf), place))
        : leaf,
    ) as A;
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

/** So many functions of cond inside each other are a recursion. */
const DEEPEST = 64;
let nesting = 0;

/** Examples in a graph that is being captured: it computes both cases, and where an example is for which the predicate holds. */
class UnknownExamples extends Examples {
  readonly some = true;
  readonly all = false;

  /** @param values  what the predicate says of each, with a dimension for each level, the outermost first */
  constructor(
    mask: Tensor,
    private readonly values: Tensor,
    levels: readonly Level[],
  ) {
    super(mask, levels);
  }

  override call<A extends unknown[], R>(f: (...args: A) => R, args: A): R {
    if (nesting === DEEPEST) {
      throw new TransformError(
        `a function of cond calls cond again, ${DEEPEST} times and on. A graph that is captured holds both functions wherever examples of a vmap ` +
          `differ, so what ends such a recursion can't be a value: capture it without, or end it by a number.`,
        {code: 'value-read', transform: 'cond'},
      );
    }
    nesting++;
    try {
      return super.call(f, args);
    } finally {
      nesting--;
    }
  }

  others(): Examples {
    return new UnknownExamples(
      run('LogicalNot', {x: this.mask}),
      run('LogicalNot', {x: this.values}),
      this.levels,
    );
  }

  /** Where no example wants the function, nothing passes to what all share either. */
  protected safe<A extends unknown[]>(args: A): A {
    const flat = cast(reshape(this.values, [this.values.size]), 'int32');
    const wanted = cast(run('Max', {x: flat}, {reductionIndices: [0], keepDims: false}), 'bool');
    const place = this.firstPlace(run('ArgMax', {x: flat}, {axis: 0}));
    return mapLeaves(args, (leaf) => {
      if (!(leaf instanceof Tensor)) return leaf;
      const constant = detach(leaf);
      return this.maySpoil(leaf)
        ? where(this.mask, leaf, exampleAt(constant, place))
        : isFloat(leaf)
          ? where(wanted, leaf, constant)
          : leaf;
    }) as A;
  }

  private firstPlace(first: Tensor): ReadonlyMap<Level, Tensor> {
    const {shape} = this.values;
    const place = new Map<Level, Tensor>();
    let rest = first;
    this.levels.forEach((level, index) => {
      const size = scalar(shape[shape.length - 1 - index]!, 'int32');
      place.set(level, mod(rest, size));
      rest = floorDiv(rest, size);
    });
    return place;
  }
}

/** The value of a tensor that only levels of vmap trace for one of the examples. Other levels' examples keep theirs. */
function exampleAt(tensor: Tensor, place: ReadonlyMap<Level, number | Tensor>): Tensor {
  const level = recordOf(tensor)?.level;
  if (!(level instanceof BatchingLevel)) return tensor;
  const values = level.below(tensor);
  const index = place.get(level);
  if (index === undefined) return level.adopt(exampleAt(values, place));
  const example =
    typeof index === 'number'
      ? reshape(sliceAlong(values, 0, index, 1), tensor.shape)
      : gather(values, index as Scalar);
  return exampleAt(example, place);
}
