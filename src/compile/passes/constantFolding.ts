import type {Tensor} from '@tensorflow/tfjs-core';
import {scoped} from '../../interpreter/scope.js';
import {recordOf} from '../../interpreter/tracer.js';
import {execute} from '../execute.js';
import {
  listOf,
  mapPerInput,
  STOP_GRADIENT,
  type Graph,
  type KernelNode,
  type PerInput,
  type Value,
} from '../graph.js';
import {Transformer} from '../transformer.js';

/** A constant that is larger than what it is computed from, and than this, costs more memory than it saves time. */
const SMALL = 4096;

/** Computes now what depends on constants alone, unless it would grow. */
export const constantFolding = (graph: Graph): Graph => new ConstantFolding(graph).transform();

class ConstantFolding extends Transformer {
  protected override transformNode(node: KernelNode, inputs: PerInput<Value>): readonly Value[] {
    return this.canFold(node, listOf(inputs))
      ? this.fold(node, inputs)
      : super.transformNode(node, inputs);
  }

  private canFold({kernel, outputs}: KernelNode, inputs: readonly Value[]): boolean {
    if (kernel === STOP_GRADIENT || inputs.length === 0) return false;
    const isData = inputs.every(
      ({node}) => node.kind === 'constant' && recordOf(node.tensor) === null,
    );
    const before = inputs.reduce((bytes, value) => bytes + value.bytes, 0);
    const after = outputs.reduce((bytes, value) => bytes + value.bytes, 0);
    return isData && after <= Math.max(before, SMALL);
  }

  private fold({kernel, attrs, name}: KernelNode, inputs: PerInput<Value>): readonly Value[] {
    let values: readonly Value[] = [];
    scoped('fold', () => {
      const tensors = mapPerInput(inputs, ({node}) => (node as {tensor: Tensor}).tensor);
      const results = [execute(kernel, tensors, attrs)].flat();
      values = results.map((result) => this.target.addConstant(result, name));
    });
    return values;
  }
}
