import type {DataType, Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import {engine} from '../../../interpreter/engine.js';
import {sameShape} from '../../../rules/ops.js';
import {execute} from '../../execute.js';
import type {Group} from '../../grouping.js';
import type {KernelNode, Value} from '../../graph.js';
import type {Role} from '../../layout.js';
import {orderedInputs, type ElementwiseKernel} from '../elementwise.js';
import type {CompiledKernel, GroupGenerator} from '../generator.js';
import {roleOf} from '../roles.js';
import {writers, type Language} from './kernels.js';

/**
 * NOTE [gpu programs]
 * On a GPU each output of a fused group is one program, which computes one element per thread from the elements of the group's inputs that it
 * needs. It is run by the mechanism that tfjs runs its own programs by, which knows how data lies in textures or buffers, and reads an
 * input that is smaller along some dimension as one that is repeated. Reductions, and integers, stay tfjs's.
 */
export interface ElementProgram {
  /** The inputs that it reads, and each one's shape to the program: of the output's rank, with 1 where it is repeated. */
  readonly inputs: readonly Value[];
  readonly inputShapes: readonly (readonly number[])[];
  readonly outputShape: readonly number[];
  /** The names that inputs have, in order. */
  readonly elements: readonly string[];
  /** Lines that compute the output's element from theirs, and the name that it has then. */
  readonly lines: readonly string[];
  readonly result: string;
}

/** How a GPU backend of tfjs is told to run a program. */
export interface Shading extends Language {
  /** The whole program, as text. */
  write(program: ElementProgram): string;
  /** Runs it. The inputs have the program's shapes. */
  run(
    program: ElementProgram,
    code: string,
    inputs: readonly TensorInfo[],
    dtype: DataType,
  ): TensorInfo;
  /** Declares a name for an expression. */
  declare(name: string, expression: string): string;
}

/** The name of an input as tfjs has it: `getX0…` reads an element of `X0`. */
export const capitalised = (name: string): string => name[0]!.toUpperCase() + name.slice(1);

const MOST_DIMENSIONS = 6;

/** Floats and booleans, elementwise. */
function roleOnGpu(node: KernelNode, mostTensors: number): Role | null {
  const role = roleOf(node);
  if (role === null || role === 'reduction') return null;
  const values = [...orderedInputs(node), node.outputs[0]!];
  if (values.length > mostTensors) return null;
  const isTaken = ({dtype, shape}: Value): boolean =>
    (dtype === 'float32' || dtype === 'bool') && shape.length <= MOST_DIMENSIONS;
  return values.every(isTaken) ? role : null;
}

export const gpuGenerator = (
  {name, backend, mostTensors}: Required<Pick<GroupGenerator, 'name' | 'backend' | 'mostTensors'>>,
  shading: Shading,
): GroupGenerator => ({
  name,
  backend,
  mostTensors,
  unavailable: () => null,
  roleOf: (node) => roleOnGpu(node, mostTensors),
  compileGroup: (group) => compileGroup(group, shading),
});

function compileGroup(group: Group, shading: Shading): CompiledKernel {
  const programs = group.outputs.map((output) => {
    const program = programFor(output, group, shading);
    return {output, program, code: shading.write(program)};
  });
  return {
    listing: programs.map(({code}) => code).join('\n\n'),
    run: (tensors) =>
      programs.map(({output, program, code}) => {
        const given = program.inputs.map((input) => tensors[group.inputs.indexOf(input)]!);
        return run(output, given, program.inputShapes, (inputs) =>
          shading.run(program, code, inputs, output.dtype),
        );
      }),
  };
}

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
  return engine.makeTensorFromTensorInfo({dataId, shape: [...shape], dtype}, engine.backend);
}

/** What computes one value of a group. */
function programFor(output: Value, {layout, inputs, roleOf}: Group, shading: Shading) {
  const {sizes, axesOf} = layout;
  const axes = axesOf.get(output)!;
  const names = new Map<Value, string>();
  const elements: string[] = [];
  const used: Value[] = [];
  const lines: string[] = [];
  const nameOf = (value: Value): string => {
    let name = names.get(value);
    if (name !== undefined) return name;
    if (inputs.includes(value)) {
      name = `x${used.length}`;
      used.push(value);
      elements.push(name);
    } else {
      const node = value.node as KernelNode;
      const values = orderedInputs(node).map(nameOf);
      if (roleOf(node) === 'view') name = values[0]!;
      else {
        name = `t${lines.length}`;
        const expression = writers[node.kernel as ElementwiseKernel](shading, values, node.attrs);
        lines.push(shading.declare(name, expression));
      }
    }
    names.set(value, name);
    return name;
  };
  const result = nameOf(output);
  const shapeOf = (value: Value): number[] =>
    axes.length === 0
      ? [1]
      : axes.map((axis) => (axesOf.get(value)!.includes(axis) ? sizes[axis]! : 1));
  const program: ElementProgram = {
    inputs: used,
    inputShapes: used.map(shapeOf),
    outputShape: shapeOf(output),
    elements,
    lines,
    result,
  };
  return program;
}
