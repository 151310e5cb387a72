import type {Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import {engine} from '../../../interpreter/engine.js';
import {sameShape} from '../../../rules/ops.js';
import {execute} from '../../execute.js';
import type {Group} from '../../grouping.js';
import type {KernelNode, Value} from '../../graph.js';
import type {Role} from '../../layout.js';
import {orderedInputs, reducedSize} from '../elementwise.js';
import type {CompiledKernel, GroupGenerator} from '../generator.js';
import {roleOf} from '../roles.js';
import {programFor, type ElementProgram, type Shading} from './program.js';
import {storedValues} from './stored.js';

/** What a GPU's programs can do. */
export interface Limits {
  /** The most tensors that a program can read and write. */
  readonly mostTensors: number;
  /** A loop over at most so many elements takes no longer than the dispatches of tfjs's own reduction. */
  readonly mostReduced: number;
  /** With so many outputs the GPU is busy all the time, however long each one's loop is. */
  readonly fillingOutputs: number;
}

const MOST_DIMENSIONS = 6;

/** What a group takes and gives is divided among its programs, each of which reads what it needs. */
const MOST_TENSORS_OF_GROUP = 400;

const boolReductions: ReadonlySet<string> = new Set(['All', 'Any']);

/** Floats and booleans. */
function roleOnGpu(node: KernelNode, limits: Limits): Role | null {
  const role = roleOf(node, boolReductions);
  if (role === null) return null;
  const [output] = node.outputs;
  const values = [...orderedInputs(node), output!];
  if (values.length > limits.mostTensors) return null;
  const isTaken = ({dtype, shape}: Value): boolean =>
    (dtype === 'float32' || dtype === 'bool') && shape.length <= MOST_DIMENSIONS;
  if (!values.every(isTaken)) return null;
  const isWorthwhile =
    role !== 'reduction' ||
    reducedSize(node) <= limits.mostReduced ||
    output!.size >= limits.fillingOutputs;
  return isWorthwhile ? role : null;
}

export const gpuGenerator = (
  {name, backend}: Pick<GroupGenerator, 'name' | 'backend'>,
  limits: Limits,
  shading: Shading,
): GroupGenerator => ({
  name,
  backend,
  unavailable: () => null,
  mostTensors: MOST_TENSORS_OF_GROUP,
  roleOf: (node) => roleOnGpu(node, limits),
  compileGroup: (group) => compileGroup(group, limits, shading),
});

/** A value that is put in memory, and the program that computes it. */
interface Stored {
  readonly value: Value;
  readonly program: ElementProgram;
  readonly code: string;
}

function compileGroup(group: Group, {mostTensors}: Limits, shading: Shading): CompiledKernel {
  const values = storedValues(group, mostTensors - 1);
  const isStored = new Set(values);
  const programs = values.map((value): Stored => {
    const program = programFor(value, group, isStored, shading);
    return {value, program, code: shading.write(program)};
  });
  const isRead = new Set(programs.flatMap(({program}) => program.inputs));
  return {
    listing: programs.map(({code}) => code).join('\n\n'),
    run(given) {
      const made: Tensor[] = [];
      const tensors = new Map<Value, Tensor>();
      group.inputs.forEach((value, index) => {
        const tensor = given[index]!;
        const readable = isRead.has(value) ? shading.readable(tensor) : null;
        tensors.set(value, readable === null ? tensor : tensorOf(readable));
        if (readable !== null) made.push(tensors.get(value)!);
      });
      for (const {value, program, code} of programs) {
        const inputs = program.inputs.map((input) => tensors.get(input)!);
        const compute = (reshaped: readonly Tensor[]): TensorInfo =>
          shading.run(program, code, reshaped, value.dtype);
        const result = run(value, inputs, program.inputShapes, compute);
        tensors.set(value, result);
        if (!group.outputs.includes(value)) made.push(result);
      }
      for (const tensor of made) tensor.dispose();
      return group.outputs.map((value) => tensors.get(value)!);
    },
  };
}

const tensorOf = (info: TensorInfo): Tensor =>
  engine.makeTensorFromTensorInfo(info, engine.backend);

/** Gives the program its inputs in the shapes that it is written for. */
function run(
  {shape, dtype}: Value,
  given: readonly Tensor[],
  shapes: readonly (readonly number[])[],
  compute: (inputs: readonly Tensor[]) => TensorInfo,
): Tensor {
  const inputs = given.map((x, index) =>
    sameShape(x.shape, shapes[index]!)
      ? x
      : (execute('Reshape', {x}, {shape: [...shapes[index]!]}) as Tensor),
  );
  const {dataId} = compute(inputs);
  inputs.forEach((input, index) => {
    if (input !== given[index]) input.dispose();
  });
  return tensorOf({dataId, shape: [...shape], dtype});
}
