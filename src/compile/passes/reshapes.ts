import {sameShape} from '../../rules/ops.js';
import {
  listOf,
  mapPerInput,
  type Graph,
  type KernelNode,
  type PerInput,
  type Value,
} from '../graph.js';
import {binaryKernels, unaryKernels} from '../kinds.js';
import {Transformer} from '../transformer.js';
import {deadCode} from './deadCode.js';
import {inTurn} from './inTurn.js';
import {madeBy} from './rewriting.js';

/**
 * Moves reshapes behind elementwise kernels, where they meet others and go away, and where chains of elementwise kernels are no longer
 * cut by them. Only reshapes that a single kernel takes: none is added.
 */
export const sinkReshapes = (graph: Graph): Graph =>
  inTurn(new SinkReshapes(graph).transform(), [deadCode]);

class SinkReshapes extends Transformer {
  private readonly users = this.source.usersOfAll();
  private readonly outputs = new Set(this.source.outputs);

  protected override transformNode(node: KernelNode, inputs: PerInput<Value>): readonly Value[] {
    const shape = this.shapeToComputeIn(node, listOf(inputs));
    if (shape === null) return super.transformNode(node, inputs);
    const [output] = node.outputs;
    const {kernel, attrs} = node;
    const before = mapPerInput(inputs, (value) => originOf(value) ?? value);
    const computed = this.emit(kernel, before, attrs, {shape, dtype: output!.dtype});
    return [this.emit('Reshape', {x: computed}, {shape: [...output!.shape]}, output!)];
  }

  /** The shape that all operands have before they are reshaped, if there is one; scalars have every shape. */
  private shapeToComputeIn(node: KernelNode, inputs: readonly Value[]): readonly number[] | null {
    if (!unaryKernels.has(node.kernel) && !binaryKernels.has(node.kernel)) return null;
    const output = node.outputs[0]!.shape;
    const old = listOf(node.inputs);
    let shape: readonly number[] | null = null;
    for (const [index, value] of inputs.entries()) {
      if (value.shape.length === 0) continue;
      const origin = this.isUsedOnce(old[index]!) ? originOf(value) : null;
      if (origin === null || !sameShape(value.shape, output)) return null;
      if (shape !== null && !sameShape(shape, origin.shape)) return null;
      shape = origin.shape;
    }
    return shape;
  }

  private isUsedOnce(value: Value): boolean {
    return !this.outputs.has(value) && this.users.get(value)?.length === 1;
  }
}

/** What a value is a reshape of, or null. */
const originOf = (value: Value): Value | null => madeBy(value, 'Reshape')?.inputs['x'] ?? null;
