import type {DataType, TensorInfo} from '@tensorflow/tfjs-core';
import {engine} from '../../../interpreter/engine.js';
import {capitalised, gpuGenerator, type Shading} from './program.js';

/** The part of tfjs's webgl backend that runs programs. */
interface WebglBackend {
  compileAndRun(
    program: {
      readonly variableNames: readonly string[];
      readonly outputShape: readonly number[];
      readonly userCode: string;
    },
    inputs: readonly TensorInfo[],
    outputDtype: DataType,
  ): TensorInfo;
}

const glsl: Shading = {
  choose: (condition, then, otherwise) => `(${condition} ? ${then} : ${otherwise})`,
  atan2: (y, x) => `atan(${y}, ${x})`,
  nan: 'NAN',
  infinity: '(1.0 / 0.0)',
  declare: (name, expression) => `float ${name} = ${expression};`,
  write: ({elements, lines, result}) =>
    [
      'void main() {',
      ...elements.map((name) => `  float ${name} = get${capitalised(name)}AtOutCoords();`),
      ...lines.map((line) => `  ${line}`),
      `  setOutput(${result});`,
      '}',
    ].join('\n'),
  run({elements, outputShape}, userCode, inputs, dtype) {
    const program = {variableNames: elements.map(capitalised), outputShape, userCode};
    return (engine.backend as unknown as WebglBackend).compileAndRun(program, inputs, dtype);
  },
};

/** One GLSL program for each output of a fused group. A fragment shader reads from 16 textures at most. */
export const webglGenerator = gpuGenerator({name: 'GLSL', backend: 'webgl', mostTensors: 16}, glsl);
