import {sameShape} from '../../rules/ops.js';
import {listOf, type KernelNode, type Value} from '../graph.js';
import type {Role} from '../layout.js';
import {elementwise, orderedInputs, reductions} from './elementwise.js';

const VIEWS: ReadonlySet<string> = new Set(['ExpandDims', 'Identity', 'Reshape', 'StopGradient']);

const withoutOnes = ({shape}: Value): number[] => shape.filter((size) => size !== 1);

/** Rows of an index of 32 bits. */
const MOST_BYTES = 2 ** 31;

/**
 * What a node can be in a fused group, of code that runs through its elements one after the other.
 * @param boolReductions  kernels that put booleans together, for which there is code
 */
export function roleOf(
  node: KernelNode,
  boolReductions: ReadonlySet<string> = new Set(),
): Role | null {
  const {kernel} = node;
  if (node.givesList || node.outputs.length !== 1) return null;
  const output = node.outputs[0]!;
  const inputs = listOf(node.inputs);
  if (inputs.length === 0 || inputs.includes(undefined as never)) return null;
  const isFused = ({dtype, size, bytes}: Value): boolean =>
    ['float32', 'int32', 'bool'].includes(dtype) && size > 0 && bytes < MOST_BYTES;
  if (![...inputs, output].every(isFused)) return null;
  const [first] = inputs;
  if (VIEWS.has(kernel)) {
    return sameShape(withoutOnes(first!), withoutOnes(output)) ? 'view' : null;
  }
  const isBool = boolReductions.has(kernel);
  if (isBool || reductions.has(kernel)) {
    const dtype = isBool ? 'bool' : 'float32';
    if (first!.dtype !== dtype || output.dtype !== dtype) return null;
    // Of one element each sum, product or extremum is the element.
    return first!.size === output.size ? 'view' : 'reduction';
  }
  const rule = elementwise[kernel];
  return rule?.accepts(orderedInputs(node), output) === true ? 'elementwise' : null;
}
