import {env, type DataType, type TensorInfo} from '@tensorflow/tfjs-core';
import {engine} from '../../../interpreter/engine.js';
import {gpuGenerator} from './generator.js';
import {capitalised, type Shading} from './program.js';

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
  readonly texData: {get(dataId: object): {readonly isPacked: boolean; readonly texture?: unknown}};
  unpackTensor(input: TensorInfo): TensorInfo;
}

const webgl = (): WebglBackend => engine.backend as unknown as WebglBackend;

/** tfjs's types of coordinates. */
const coordinateTypes = ['int', 'int', 'ivec2', 'ivec3', 'ivec4', 'ivec5', 'ivec6'];

const glsl: Shading = {
  readable(tensor) {
    // Each program would unpack it anew.
    const {isPacked, texture} = webgl().texData.get(tensor.dataId);
    return isPacked && texture != null ? webgl().unpackTensor(tensor) : null;
  },
  choose: (condition, then, otherwise) => `(${condition} ? ${then} : ${otherwise})`,
  atan2: (y, x) => `atan(${y}, ${x})`,
  nan: 'NAN',
  get infinity() {
    // Not every browser compiles a division by zero.
    return env().getNumber('WEBGL_VERSION') === 1 ? 'INFINITY' : 'uintBitsToFloat(0x7f800000u)';
  },
  declare: (name, expression, type = 'float') => `${type} ${name} = ${expression};`,
  variable: (name, expression, type = 'float') => `${type} ${name} = ${expression};`,
  declareCoordinates: (name, rank) => `${coordinateTypes[rank]!} ${name} = getOutputCoords();`,
  readAtOutput: (name) => `get${name}AtOutCoords()`,
  teamFor: () => 1,
  joinTeam: () => [],
  write: ({lines, result}) =>
    ['void main() {', ...lines.map((line) => `  ${line}`), `  setOutput(${result});`, '}'].join(
      '\n',
    ),
  run({names, outputShape}, userCode, inputs, dtype) {
    const program = {variableNames: names.map(capitalised), outputShape, userCode};
    return webgl().compileAndRun(program, inputs, dtype);
  },
};

/**
 * One GLSL program for each stored value of a fused group. A fragment shader reads from 16 textures at most. tfjs's own reductions of more than
 * 32 elements are two dispatches or more, each of which costs the CPU some 50 µs, what a GPU takes to read about a thousand elements one
 * after the other; a few thousand threads hide the time that reading takes.
 */
export const webglGenerator = gpuGenerator(
  {name: 'GLSL', backend: 'webgl'},
  {mostTensors: 16, mostReduced: 1024, fillingOutputs: 4096},
  glsl,
);
