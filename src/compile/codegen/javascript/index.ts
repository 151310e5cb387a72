import type {DataType, Tensor, TypedArray} from '@tensorflow/tfjs-core';
import {util} from '@tensorflow/tfjs-core';
import {engine} from '../../../interpreter/engine.js';
import type {Group} from '../../grouping.js';
import type {Value} from '../../graph.js';
import type {CompiledKernel, GroupGenerator} from '../generator.js';
import {roleOf} from '../roles.js';
import {generateGroup} from './group.js';

/** The parts of tfjs's cpu backend that generated code stands on. */
interface CpuBackend {
  readSync(dataId: object): TypedArray;
  makeTensorInfo(
    shape: number[],
    dtype: DataType,
    values: TypedArray,
  ): {dataId: object; shape: number[]; dtype: DataType};
}

/** Loops in JavaScript over the arrays of tfjs's cpu backend, one function for each fused group. */
export const javascriptGenerator: GroupGenerator = {
  name: 'JavaScript',
  backend: 'cpu',
  unavailable() {
    try {
      makeFunction([], '');
      return null;
    } catch {
      return "the page's content security policy doesn't let code be generated ('unsafe-eval')";
    }
  },
  roleOf,
  compileGroup,
};

type Compute = (...arrays: readonly TypedArray[]) => void;

/** Code of our own making, from a graph; names and numbers are all that it is made of. */
const makeFunction = (parameters: readonly string[], body: string): Compute =>
  new Function(...parameters, `'use strict';\n${body}`) as Compute;

function compileGroup(group: Group): CompiledKernel {
  const {parameters, body, rowSize, scratchRows} = generateGroup(group);
  const compute = makeFunction(parameters, body);
  const scratch = Array.from({length: scratchRows}, () => new Float32Array(rowSize));
  return {
    listing: `function (${parameters.join(', ')}) {\n${body}\n}`,
    run(inputs) {
      const backend = engine.backend as unknown as CpuBackend;
      const arrays = inputs.map(({dataId}) => backend.readSync(dataId));
      const outputs = group.outputs.map(({size, dtype}) =>
        util.getTypedArrayFromDType(dtype as 'float32' | 'int32' | 'bool', size),
      );
      compute(...arrays, ...outputs, ...scratch);
      return outputs.map((values, index) => newTensor(backend, group.outputs[index]!, values));
    },
  };
}

const newTensor = (backend: CpuBackend, {shape, dtype}: Value, values: TypedArray): Tensor =>
  engine.makeTensorFromTensorInfo(
    backend.makeTensorInfo([...shape], dtype, values),
    engine.backend,
  );
