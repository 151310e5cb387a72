import {util, type DataType, type TensorInfo} from '@tensorflow/tfjs-core';
import {engine} from '../../../interpreter/engine.js';
import {gpuGenerator} from './generator.js';
import {capitalised, type Shading} from './program.js';

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

/** The types of numbers. */
const types = {float: 'f32', int: 'i32'} as const;

const wgsl: Shading = {
  readable: () => null,
  choose: (condition, then, otherwise) => `select(${otherwise}, ${then}, ${condition})`,
  atan2: (y, x) => `atan2(${y}, ${x})`,
  nan: 'uniforms.NAN',
  infinity: 'uniforms.INFINITY',
  declare: (name, expression, type = 'float') => `let ${name} : ${types[type]} = ${expression};`,
  variable: (name, expression, type = 'float') => `var ${name} : ${types[type]} = ${expression};`,
  declareCoordinates: (name) => `let ${name} = getCoordsFromIndex(element);`,
  readAtOutput: (name) => `get${name}ByOutputIndex(element)`,
  teamFor({outputs, reduced, isInnermost}) {
    // Neighbours that are computed together are read together: by a team along a row, by different threads along a column.
    const isForTeam = reduced >= 64 && (isInnermost || outputs < 4096);
    if (!isForTeam) return 1;
    return reduced < 4096 ? 64 : 256;
  },
  joinTeam(variable, team, combine) {
    return [
      `parts[member] = ${variable};`,
      'workgroupBarrier();',
      `for (var stride : i32 = ${team / 2}; stride > 0; stride = stride / 2) {`,
      '  if (member < stride) {',
      '    let mine : f32 = parts[member];',
      '    let other : f32 = parts[member + stride];',
      `    parts[member] = ${combine('mine', 'other')};`,
      '  }',
      '  workgroupBarrier();',
      '}',
      `${variable} = parts[0];`,
      'workgroupBarrier();',
    ];
  },
  write({lines, result, team}) {
    const indented = lines.map((line) => `  ${line}`);
    if (team === 1) {
      return [
        'fn main(element : i32) {',
        '  if (element >= uniforms.size) { return; }',
        ...indented,
        `  setOutputAtIndex(element, ${result});`,
        '}',
      ].join('\n');
    }
    return [
      `var<workgroup> parts : array<f32, ${team}>;`,
      'fn main(thread : i32) {',
      `  let element : i32 = thread / ${team};`,
      '  let member : i32 = i32(localId.x);',
      ...indented,
      '  if (member == 0 && element < uniforms.size) {',
      `    setOutputAtIndex(element, ${result});`,
      '  }',
      '}',
    ].join('\n');
  },
  run({names, outputShape, team}, code, inputs, dtype) {
    const size = util.sizeFromShape([...outputShape]);
    const program = {
      variableNames: names.map(capitalised),
      outputShape,
      shaderKey: `tfjs-functorch ${code}`,
      workgroupSize: [team === 1 ? WORKGROUP : team, 1, 1] as Three,
      dispatchLayout: {x: [...outputShape.keys()]},
      dispatch: [team === 1 ? Math.ceil(size / WORKGROUP) : size, 1, 1] as Three,
      size: true as const,
      getUserCode: () => code,
    };
    return (engine.backend as unknown as WebgpuBackend).runWebGPUProgram(program, inputs, dtype);
  },
};

/**
 * One WGSL program for each stored value of a fused group. WebGPU promises a shader eight buffers. Up to 256 threads share a loop, as in
 * tfjs's own reduction; that one can have all of the GPU compute the elements first, which a long loop for few results can't.
 */
export const webgpuGenerator = gpuGenerator(
  {name: 'WGSL', backend: 'webgpu'},
  {mostTensors: 8, mostReduced: 16384, fillingOutputs: 128},
  wgsl,
);
