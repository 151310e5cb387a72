import type {DataType, TensorInfo} from '@tensorflow/tfjs-core';
import {util} from '@tensorflow/tfjs-core';
import {engine} from '../../../interpreter/engine.js';
import {capitalised, gpuGenerator, type Shading} from './program.js';

type Three = [number, number, number];

/** The part of tfjs's webgpu backend that runs programs. */
interface WebgpuBackend {
  runWebGPUProgram(
    program: {
      readonly variableNames: readonly string[];
      readonly outputShape: readonly number[];
      readonly shaderKey: string;
      readonly workgroupSize: Three;
      readonly dispatchLayout: {readonly x: readonly number[]};
      readonly dispatch: Three;
      /** Whether the program is told how many elements there are. */
      readonly size: true;
      getUserCode(): string;
    },
    inputs: readonly TensorInfo[],
    outputDtype: DataType,
  ): TensorInfo;
}

/** Threads of a workgroup, as in tfjs's own elementwise programs. */
const WORKGROUP = 128;

const wgsl: Shading = {
  choose: (condition, then, otherwise) => `select(${otherwise}, ${then}, ${condition})`,
  atan2: (y, x) => `atan2(${y}, ${x})`,
  nan: 'uniforms.NAN',
  infinity: 'uniforms.INFINITY',
  declare: (name, expression) => `let ${name} : f32 = ${expression};`,
  write: ({elements, lines, result}) =>
    [
      'fn main(index : i32) {',
      '  if (index >= uniforms.size) { return; }',
      ...elements.map(
        (name) => `  let ${name} : f32 = get${capitalised(name)}ByOutputIndex(index);`,
      ),
      ...lines.map((line) => `  ${line}`),
      `  setOutputAtIndex(index, ${result});`,
      '}',
    ].join('\n'),
  run({elements, outputShape}, code, inputs, dtype) {
    const size = util.sizeFromShape([...outputShape]);
    const program = {
      variableNames: elements.map(capitalised),
      outputShape,
      shaderKey: `tfjs-functorch ${code}`,
      workgroupSize: [WORKGROUP, 1, 1] as Three,
      dispatchLayout: {x: [...outputShape.keys()]},
      dispatch: [Math.ceil(size / WORKGROUP), 1, 1] as Three,
      size: true as const,
      getUserCode: () => code,
    };
    return (engine.backend as unknown as WebgpuBackend).runWebGPUProgram(program, inputs, dtype);
  },
};

/** One WGSL program for each output of a fused group. WebGPU promises a shader eight buffers. */
export const webgpuGenerator = gpuGenerator(
  {name: 'WGSL', backend: 'webgpu', mostTensors: 8},
  wgsl,
);
