import type {Graph, KernelNode, PerInput, Value} from '../graph.js';
import {Transformer} from '../transformer.js';

/** Folds transposes of the last two dimensions into the products that take the result. */
export const transposesIntoProducts = (graph: Graph): Graph => new IntoProducts(graph).transform();

class IntoProducts extends Transformer {
  protected override transformNode(node: KernelNode, inputs: PerInput<Value>): readonly Value[] {
    if (node.kernel !== 'BatchMatMul' && node.kernel !== '_FusedMatMul') {
      return super.transformNode(node, inputs);
    }
    const {a, b, ...rest} = inputs as Readonly<Record<string, Value>>;
    const [left, right] = [untransposed(a!), untransposed(b!)];
    const attrs = {
      ...node.attrs,
      transposeA: (node.attrs['transposeA'] === true) !== (left !== null),
      transposeB: (node.attrs['transposeB'] === true) !== (right !== null),
    };
    return super.transformNode({...node, attrs}, {a: left ?? a!, b: right ?? b!, ...rest});
  }
}

/** What a value is the transpose of, in its last two dimensions, or null. */
function untransposed({node}: Value): Value | null {
  if (node.kind !== 'kernel' || node.kernel !== 'Transpose') return null;
  const perm = node.attrs['perm'] as readonly number[];
  const rank = perm.length;
  const swaps =
    rank >= 2 && perm.every((from, to) => from === (to < rank - 2 ? to : 2 * rank - 3 - to));
  return swaps ? (node.inputs as {x: Value}).x : null;
}
