import type {DataType, TensorInfo} from '@tensorflow/tfjs-core';
import {product} from '../../../rules/dims.js';
import {listOf, type KernelNode, type Value} from '../../graph.js';
import type {Group} from '../../grouping.js';
import {orderedInputs, reducedSize, type ElementwiseKernel} from '../elementwise.js';
import {float, reductions, writers, type Language} from './kernels.js';
import {literalOf} from './stored.js';

/**
 * NOTE [gpu programs]
 * On a GPU each value of a fused group that is put in memory (NOTE [stored values]) is one program, which computes one element per thread from the
 * elements of its inputs that it needs. It is run by the mechanism that tfjs runs its own programs by, which knows how data lies in
 * textures or buffers.
 *
 * What varies along the output's axes at most is computed once, from elements that tfjs finds by the output's position: an input that is
 * smaller along some dimension is read as one that is repeated. A reduction is a loop over the other axes, whose elements are
 * found by their coordinates.
 */
export interface ElementProgram {
  /** The inputs that it reads, in order, and each one's shape to the program. */
  readonly inputs: readonly Value[];
  readonly inputShapes: readonly (readonly number[])[];
  readonly outputShape: readonly number[];
  /** The names of the inputs, in order. */
  readonly names: readonly string[];
  /** Lines that compute the output's element, and the name that it has then. */
  readonly lines: readonly string[];
  readonly result: string;
  /** How many threads compute an element together. */
  readonly team: number;
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
  /** The same tensor in a form that programs read as it is; null where it is in one. */
  readable(tensor: TensorInfo): TensorInfo | null;
  /** Declares a name for an expression. */
  declare(name: string, expression: string, type?: 'float' | 'int'): string;
  /** Declares a variable. */
  variable(name: string, expression: string, type?: 'float' | 'int'): string;
  /** Declares a name for the coordinates of the output's element. */
  declareCoordinates(name: string, rank: number): string;
  /** The element of an input at the output's position. */
  readAtOutput(name: string): string;
  /** How many threads best put so many elements together. */
  teamFor(reduction: Extent): number;
  /** Lines after which a variable of each thread holds what the variables of a team make together. */
  joinTeam(variable: string, team: number, combine: (a: string, b: string) => string): string[];
}

/** How much a reduction reduces. */
export interface Extent {
  readonly outputs: number;
  /** Elements for each output. */
  readonly reduced: number;
  /** Whether neighbours in memory are put together. */
  readonly isInnermost: boolean;
}

/** The name of an input as tfjs has it: `getX0…` reads an element of `X0`. */
export const capitalised = (name: string): string => name[0]!.toUpperCase() + name.slice(1);

/** Errors grow with each addition: sums are put together from about as many sums as each of these has elements. */
const LEAST_BLOCK = 8;

const blockOf = (rounds: number): number =>
  Math.max(LEAST_BLOCK, 2 ** Math.round(Math.log2(rounds) / 2));

/** Writes the program for one value of a group. */
export function programFor(
  output: Value,
  group: Group,
  stored: ReadonlySet<Value>,
  shading: Shading,
): ElementProgram {
  return new ProgramWriter(output, group, stored, shading).write();
}

/** The body of a loop. */
interface Body {
  readonly lines: string[];
  readonly known: Map<Value, string>;
}

class ProgramWriter {
  private readonly lines: string[] = [];
  /** The names of what varies along the output's axes at most. */
  private readonly known = new Map<Value, string>();
  private readonly inputs: Value[] = [];
  private readonly axes: readonly number[];
  /** The axes that loops of this program reduce. */
  private readonly otherAxes: readonly number[];
  private readonly team: number;
  private names = 0;

  constructor(
    private readonly output: Value,
    private readonly group: Group,
    private readonly stored: ReadonlySet<Value>,
    private readonly shading: Shading,
  ) {
    const {sizes} = group.layout;
    this.axes = this.axesOf(output);
    this.otherAxes = [...sizes.keys()].filter((axis) => !this.axes.includes(axis));
    this.team = 1;
    if (this.hasLoops(output)) {
      this.team = shading.teamFor({
        outputs: output.size,
        reduced: this.sizeOf(this.otherAxes),
        isInnermost: this.otherAxes.includes(sizes.length - 1),
      });
      if (this.axes.length > 0) this.lines.push(shading.declareCoordinates('at', this.axes.length));
    }
  }

  write(): ElementProgram {
    const {inputs, axes, lines, team} = this;
    const result = this.elementOf(this.output);
    const {sizes} = this.group.layout;
    const shapeAtOutput = (value: Value): number[] =>
      axes.map((axis) => (this.axesOf(value).includes(axis) ? sizes[axis]! : 1));
    const shapeOf = (value: Value): number[] => {
      if (!this.isAtOutput(value)) return this.axesOf(value).map((axis) => sizes[axis]!);
      return axes.length === 0 ? [1] : shapeAtOutput(value);
    };
    return {
      inputs,
      inputShapes: inputs.map(shapeOf),
      outputShape: shapeOf(this.output),
      names: inputs.map((_, index) => `x${index}`),
      lines,
      result,
      team,
    };
  }

  private axesOf(value: Value): readonly number[] {
    return this.group.layout.axesOf.get(value)!;
  }

  private sizeOf(axes: readonly number[]): number {
    return product(axes.map((axis) => this.group.layout.sizes[axis]!));
  }

  /** Whether a value has one element for each of the output's. */
  private isAtOutput(value: Value): boolean {
    if (literalOf(value) !== null) return true;
    return this.axesOf(value).every((axis) => this.axes.includes(axis));
  }

  private isInMemory(value: Value): boolean {
    const isStored = this.stored.has(value) && value !== this.output;
    return isStored || this.group.inputs.includes(value);
  }

  private hasLoops(value: Value): boolean {
    if (this.isInMemory(value)) return false;
    const node = value.node as KernelNode;
    if (this.group.roleOf(node) === 'reduction') return true;
    return listOf(node.inputs).some((input) => this.hasLoops(input));
  }

  private name(): string {
    return `t${this.names++}`;
  }

  private inputName(value: Value): string {
    if (!this.inputs.includes(value)) this.inputs.push(value);
    return `x${this.inputs.indexOf(value)}`;
  }

  /** The name of a value's element at the output's position. */
  private elementOf(value: Value): string {
    let name = this.known.get(value);
    if (name !== undefined) return name;
    const {shading, lines} = this;
    const literal = literalOf(value);
    if (literal !== null) {
      // As a name, it is no expression that a compiler would evaluate, and refuse where it overflows.
      name = this.name();
      lines.push(shading.declare(name, float(shading, literal)));
    } else if (this.isInMemory(value)) {
      name = this.inputName(value);
      lines.push(shading.declare(name, shading.readAtOutput(capitalised(name))));
    } else {
      const node = value.node as KernelNode;
      name =
        this.group.roleOf(node) === 'reduction'
          ? this.reduce(node)
          : this.compute(node, lines, (input) => this.elementOf(input));
    }
    this.known.set(value, name);
    return name;
  }

  /** The name of a value's element at a loop's position. */
  private elementIn(value: Value, body: Body): string {
    if (this.isAtOutput(value)) return this.elementOf(value);
    let name = body.known.get(value);
    if (name !== undefined) return name;
    if (this.isInMemory(value)) {
      name = this.inputName(value);
      const coordinates = this.axesOf(value).map((axis) => this.coordinate(axis));
      const element = `get${capitalised(name)}(${coordinates.join(', ')})`;
      body.lines.push(this.shading.declare(name, element));
    } else {
      const node = value.node as KernelNode;
      name = this.compute(node, body.lines, (input) => this.elementIn(input, body));
    }
    body.known.set(value, name);
    return name;
  }

  private compute(node: KernelNode, lines: string[], nameOf: (input: Value) => string): string {
    const inputs = orderedInputs(node).map(nameOf);
    if (this.group.roleOf(node) === 'view') return inputs[0]!;
    const name = this.name();
    const write = writers[node.kernel as ElementwiseKernel];
    lines.push(this.shading.declare(name, write(this.shading, inputs, node.attrs)));
    return name;
  }

  private coordinate(axis: number): string {
    const place = this.axes.indexOf(axis);
    if (place < 0) return `i${axis}`;
    return this.axes.length === 1 ? 'at' : `at.${'xyzwuv'[place]!}`;
  }

  /** Writes the loop of a reduction. */
  private reduce(node: KernelNode): string {
    const {shading, team} = this;
    if (this.axesOf(node.outputs[0]!).join() !== this.axes.join()) {
      throw new Error(`the ${node.kernel} '${node.name}' has no program of its own`);
    }
    const {start, combine, divides} = reductions[node.kernel as keyof typeof reductions];
    const body: Body = {lines: [], known: new Map()};
    const element = this.elementIn(listOf(node.inputs)[0]!, body);
    const whole = this.name();
    const add = (sum: string, part: string): string =>
      `${sum} = ${combine(shading, [sum, part], node.attrs)};`;
    const elements = reducedSize(node);
    const rounds = Math.ceil(elements / team);
    const block = blockOf(rounds);
    const blocks = Math.ceil(rounds / block);
    this.lines.push(shading.variable(whole, start(shading)));
    if (blocks === 1) {
      const lines = this.round('k', rounds * team > elements, [...body.lines, add(whole, element)]);
      this.lines.push(...this.loop('k', rounds, lines));
    } else {
      const part = this.name();
      const isRagged = blocks * block * team > elements;
      const lines = this.round(`b * ${block} + k`, isRagged, [...body.lines, add(part, element)]);
      this.lines.push(
        ...this.loop('b', blocks, [
          shading.variable(part, start(shading)),
          ...this.loop('k', block, lines),
          add(whole, part),
        ]),
      );
    }
    if (team > 1) {
      const together = (a: string, b: string): string => combine(shading, [a, b], node.attrs);
      this.lines.push(...shading.joinTeam(whole, team, together));
    }
    if (!divides) return whole;
    const mean = this.name();
    this.lines.push(shading.declare(mean, `${whole} / ${elements}.0`));
    return mean;
  }

  private loop(counter: string, rounds: number, lines: readonly string[]): string[] {
    const start = this.shading.variable(counter, '0', 'int');
    return [
      `for (${start} ${counter} < ${rounds}; ${counter}++) {`,
      ...lines.map((line) => `  ${line}`),
      '}',
    ];
  }

  /** One round of a loop, with the coordinates of its element. */
  private round(number: string, isRagged: boolean, lines: readonly string[]): string[] {
    const {shading, otherAxes, team} = this;
    const {sizes} = this.group.layout;
    const index = team === 1 ? number : `(${number}) * ${team} + member`;
    const coordinates: string[] = [];
    let rest = 'i';
    for (const axis of [...otherAxes].reverse()) {
      const name = this.coordinate(axis);
      if (axis === otherAxes[0]) {
        coordinates.push(shading.declare(name, rest, 'int'));
        break;
      }
      const quotient = `q${axis}`;
      coordinates.push(
        shading.declare(quotient, `${rest} / ${sizes[axis]!}`, 'int'),
        shading.declare(name, `${rest} - ${quotient} * ${sizes[axis]!}`, 'int'),
      );
      rest = quotient;
    }
    const inside = [...coordinates, ...lines];
    return [
      shading.declare('i', index, 'int'),
      ...(isRagged
        ? [`if (i < ${this.sizeOf(otherAxes)}) {`, ...inside.map((line) => `  ${line}`), '}']
        : inside),
    ];
  }
}
