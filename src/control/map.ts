import {assertAlive, assertFunction, callSync} from '../transforms/arguments.js';
import type {AnyRank} from '../types.js';
import {scanRows} from './scan.js';
import type {Body} from './trees.js';

/**
 * A function of each row, one after the other: `map(f, xs)[i] = f(xs[i])`. What `vmap` computes at once, with the memory of one row: for functions
 * that read values, or whose intermediate values are large. (`vmap` with `chunkSize` is between the two, and faster.)
 *
 * @param f  gets a row; gives a tensor or a tree of them
 * @param xs  a tensor `[n, …]` or a tree of them
 * @returns  `[n, …]` for each tensor that `f` gives
 * @throws TransformError as `scan`
 * @see https://docs.jax.dev/en/latest/_autosummary/jax.lax.map.html whose semantics these are
 * @example map((x) => tf.sum(x), tf.tensor2d([[1, 2], [3, 4]]))  // => [3, 7]
 */
export function map<Rows, Y>(f: Body<[x: AnyRank<Rows>], Y>, xs: Rows): AnyRank<Y> {
  assertFunction(f, 'map');
  assertAlive([xs], 'map');
  const {ys} = scanRows(
    'map',
    (_carry, x) => ({carry: [], y: callSync(f, [x as AnyRank<Rows>], 'map')}),
    [],
    xs,
    {},
  );
  return ys as AnyRank<Y>;
}
