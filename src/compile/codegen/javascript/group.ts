import type {Group} from '../../grouping.js';
import {listOf, type KernelNode, type Value} from '../../graph.js';
import {
  dtypeOf,
  orderedInputs,
  reducedSize,
  type ElementwiseKernel,
  type ReductionKernel,
} from '../elementwise.js';
import {
  isInMemory,
  isStored,
  outerStrides,
  planRows,
  rowSizeOf,
  variesAlongRow,
  type Phase,
  type RowPlan,
} from '../rows.js';
import {PRELUDE, reductions, writers, type Reduction} from './kernels.js';

export interface GroupCode {
  /** The body of a function of arrays: inputs, outputs, then scratch rows. */
  readonly body: string;
  readonly parameters: readonly string[];
  /** Elements of each scratch row. */
  readonly rowSize: number;
  readonly scratchRows: number;
}

/** Writes the function that computes a fused group. See NOTE [rows]. */
export function generateGroup(group: Group): GroupCode {
  const writer = new GroupWriter(group);
  return {
    body: writer.write(),
    parameters: [...writer.arrays.values()],
    rowSize: writer.rowSize,
    scratchRows: writer.plan.scratch.length,
  };
}

const reductionOf = ({kernel}: KernelNode): Reduction => reductions[kernel as ReductionKernel];

/**
 * Numbers are rounded to the dtype of each kernel's result, as the arrays between kernels would round them: what comes out is the same, bit by
 * bit. Only sums over several dimensions are put together in another order.
 */
const rounded = (expression: string, {dtype}: Value): string => {
  if (dtype === 'float32') return `fround(${expression})`;
  return dtype === 'int32' ? `(${expression}) | 0` : `+(${expression})`;
};

class GroupWriter {
  readonly plan: RowPlan;
  /** Positions of a row. */
  readonly rowSize: number;
  /** The names of arrays. */
  readonly arrays = new Map<Value, string>();
  private readonly lines: string[] = [];
  /** The names of values that are the same along the row. */
  private readonly rowValues = new Map<Value, string>();
  /** The names of the current position's values. */
  private known = new Map<Value, string>();
  /** Where the current row of each array begins. */
  private readonly starts = new Map<Value, string>();
  private names = 0;
  private depth = 0;

  constructor(private readonly group: Group) {
    this.plan = planRows(group);
    this.rowSize = rowSizeOf(group);
    group.inputs.forEach((value, i) => this.arrays.set(value, `in${i}`));
    group.outputs.forEach((value, i) => this.arrays.set(value, `out${i}`));
    this.plan.scratch.forEach((value, i) => this.arrays.set(value, `row${i}`));
  }

  write(): string {
    const {sizes, outer} = this.group.layout;
    const accumulations = this.plan.phases.flatMap((phase) => phase.accumulations);
    for (const {node} of accumulations) {
      const output = node.outputs[0]!;
      const {start} = reductionOf(node);
      this.line(`const ${this.sumsOf(output)} = new Float64Array(${output.size}).fill(${start});`);
    }
    this.loop(sizes.slice(0, outer), () => this.writeRow());
    for (const {node} of accumulations) {
      const output = node.outputs[0]!;
      const sums = this.sumsOf(output);
      this.loopOver('p', output.size, () =>
        this.line(`${this.arrays.get(output)}[p] = ${this.finished(node, `${sums}[p]`)};`),
      );
    }
    return `${PRELUDE}${this.lines.join('\n')}`;
  }

  private line(text: string): void {
    this.lines.push('  '.repeat(this.depth) + text);
  }

  private name(): string {
    return `v${this.names++}`;
  }

  /** Gives an expression a name. */
  private keep(expression: string): string {
    const name = this.name();
    this.line(`const ${name} = ${expression};`);
    return name;
  }

  private loopOver(counter: string, size: number, body: () => void): void {
    this.line(`for (let ${counter} = 0; ${counter} < ${size}; ${counter}++) {`);
    this.depth++;
    body();
    this.depth--;
    this.line('}');
  }

  private loop(sizes: readonly number[], body: () => void, axis = 0): void {
    if (axis === sizes.length) body();
    else this.loopOver(`a${axis}`, sizes[axis]!, () => this.loop(sizes, body, axis + 1));
  }

  private readonly sumsOf = (value: Value): string => `sums_${this.arrays.get(value)}`;

  private writeRow(): void {
    const {group, plan} = this;
    for (const value of [...group.inputs, ...group.outputs]) {
      this.starts.set(value, this.startOf(value));
    }
    for (const value of plan.scratch) this.starts.set(value, '0');
    for (const value of group.inputs) {
      if (variesAlongRow(group, value)) continue;
      this.rowValues.set(value, this.keep(this.element(value, false)));
    }
    for (const node of plan.before) this.rowValues.set(node.outputs[0]!, this.compute(node));
    plan.phases.forEach((phase, index) => this.writePhase(phase, index));
    for (const value of group.outputs) {
      const result = this.rowValues.get(value);
      if (result === undefined || variesAlongRow(group, value)) continue;
      this.line(`${this.element(value, false)} = ${result};`);
    }
  }

  /** An expression for where the current row of a value begins. */
  private startOf(value: Value): string {
    const terms = outerStrides(this.group, value).map(({axis, stride}) =>
      stride === 1 ? `a${axis}` : `a${axis} * ${stride}`,
    );
    return terms.length === 0 ? '0' : this.keep(terms.join(' + '));
  }

  /** The element of a value's array for the current row, or for the position `p` in it. */
  private element(value: Value, isAtPosition: boolean, array = this.arrays.get(value)!): string {
    const start = this.starts.get(value)!;
    if (!isAtPosition) return `${array}[${start}]`;
    return `${array}[${start === '0' ? 'p' : `${start} + p`}]`;
  }

  private writePhase(phase: Phase, index: number): void {
    const {group, plan} = this;
    const ofRow = phase.accumulations.filter(({keepsRow}) => !keepsRow).map(({node}) => node);
    const sums = new Map([...phase.reductions, ...ofRow].map((node) => [node, this.name()]));
    for (const [node, sum] of sums) this.line(`let ${sum} = ${reductionOf(node).start};`);
    const isEmpty = phase.nodes.length + sums.size + phase.accumulations.length === 0;
    const writePosition = (): void => {
      this.known = new Map();
      for (const node of phase.nodes) {
        const value = node.outputs[0]!;
        const result = this.valueAt(value, index);
        if (isStored(group, plan, value)) {
          this.line(`${this.element(value, true)} = ${result};`);
        }
      }
      for (const [node, sum] of sums) this.add(node, sum, this.argumentAt(node, index));
      for (const {node, keepsRow} of phase.accumulations) {
        const output = node.outputs[0]!;
        const place = this.element(output, true, this.sumsOf(output));
        if (keepsRow) this.add(node, place, this.argumentAt(node, index));
      }
      this.known = new Map();
    };
    if (!isEmpty) this.loopOver('p', this.rowSize, writePosition);
    for (const node of phase.reductions) {
      this.rowValues.set(node.outputs[0]!, this.keep(this.finished(node, sums.get(node)!)));
    }
    for (const node of ofRow) {
      const output = node.outputs[0]!;
      this.add(node, this.element(output, false, this.sumsOf(output)), sums.get(node)!);
    }
    for (const node of phase.after) this.rowValues.set(node.outputs[0]!, this.compute(node));
  }

  private argumentAt(node: KernelNode, phase: number): string {
    return this.valueAt(listOf(node.inputs)[0]!, phase);
  }

  private add(node: KernelNode, place: string, value: string): void {
    this.line(`${place} = ${reductionOf(node).combine(place, value)};`);
  }

  /** The result of a reduction. */
  private finished(node: KernelNode, sum: string): string {
    return node.kernel === 'Mean'
      ? `fround(fround(${sum}) / ${reducedSize(node)})`
      : `fround(${sum})`;
  }

  /** A value at the current position, in a certain pass. */
  private valueAt(value: Value, phase: number): string {
    const known = this.rowValues.get(value) ?? this.known.get(value);
    if (known !== undefined) return known;
    const result = isInMemory(this.group, this.plan, value, phase)
      ? this.keep(this.element(value, true))
      : this.compute(value.node as KernelNode, (input) => this.valueAt(input, phase));
    this.known.set(value, result);
    return result;
  }

  private compute(
    node: KernelNode,
    valueOf: (value: Value) => string = (value) => this.rowValues.get(value)!,
  ): string {
    const inputs = orderedInputs(node).map(valueOf);
    if (this.group.roleOf(node) === 'view') return inputs[0]!;
    const write = writers[node.kernel as ElementwiseKernel];
    const expression = write(inputs, {attrs: node.attrs, dtype: dtypeOf(node)});
    return this.keep(rounded(expression, node.outputs[0]!));
  }
}
