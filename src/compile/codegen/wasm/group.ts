import type {Group} from '../../grouping.js';
import {listOf, type KernelNode, type Value} from '../../graph.js';
import {FunctionBuilder, type Local} from '../../../kernels/wasm/assembler.js';
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
import {emitters, reductions, type Reduction} from './kernels.js';
import {Lanes, type Vec} from './lanes.js';

/** How many positions are computed at a time: so many groups of four, or a single one where fewer are left. */
interface Width {
  readonly groups: number;
  readonly lanes: 4 | 1;
}

const SINGLE: Width = {groups: 1, lanes: 1};

const positionsOf = ({groups, lanes}: Width): number => groups * lanes;

/** More groups hide latencies, until the processor's 16 registers are too few. */
const GROUPS = 2;

/** Lane 0 alone, where one position is computed. */
const FIRST_LANE = [255, 255, 255, 255, ...new Array<number>(12).fill(0)];

/** Shuffles that bring the other half, and the neighbour, to each lane. */
const SHUFFLES = [
  [8, 9, 10, 11, 12, 13, 14, 15, 0, 1, 2, 3, 4, 5, 6, 7],
  [4, 5, 6, 7, 0, 1, 2, 3, 12, 13, 14, 15, 8, 9, 10, 11],
] as const;

/** The first byte to the lowest byte of each lane; the one after it, which is 0, to the others. */
const ZEROTH_LANE = Array.from({length: 16}, (_, index) => (index % 4 === 0 ? 0 : 1));

export interface GroupCode {
  /** Its parameters are pointers: inputs, outputs, then scratch rows. */
  readonly function: FunctionBuilder;
  /** Bytes of each scratch row. */
  readonly scratchBytes: number;
  readonly scratchRows: number;
}

/** Writes the function that computes a fused group. See NOTE [rows]. */
export function generateGroup(group: Group, name: string): GroupCode {
  const writer = new GroupWriter(group, name);
  writer.write();
  return {
    function: writer.f,
    scratchBytes: 4 * writer.rowSize,
    scratchRows: writer.plan.scratch.length,
  };
}

const reductionOf = ({kernel}: KernelNode): Reduction => reductions[kernel as ReductionKernel];

const bytesOf = ({dtype}: Value): 1 | 4 => (dtype === 'bool' ? 1 : 4);

class GroupWriter {
  readonly f: FunctionBuilder;
  readonly v: Lanes;
  readonly plan: RowPlan;
  /** Positions of a row. */
  readonly rowSize: number;
  /** Where each tensor begins. */
  private readonly bases = new Map<Value, Local>();
  /** Where the current row of each tensor begins. */
  private readonly rows = new Map<Value, Local>();
  /** Values that are the same along the row, in all lanes. */
  private readonly rowValues = new Map<Value, Vec>();
  /** What the current position's values are. */
  private known = new Map<Value, Vec>();
  private readonly counters: Local[];
  private readonly position: Local;
  private readonly bytePosition: Local;

  constructor(
    private readonly group: Group,
    name: string,
  ) {
    const {sizes, outer} = group.layout;
    this.plan = planRows(group);
    this.rowSize = rowSizeOf(group);
    const tensors = [...group.inputs, ...group.outputs, ...this.plan.scratch];
    this.f = new FunctionBuilder(
      name,
      tensors.map(() => 'i32'),
    );
    tensors.forEach((value, index) => this.bases.set(value, index));
    this.v = new Lanes(this.f);
    this.counters = sizes.slice(0, outer).map(() => this.f.local('i32'));
    this.position = this.f.local('i32');
    this.bytePosition = this.f.local('i32');
  }

  write(): void {
    const accumulations = this.plan.phases.flatMap((phase) => phase.accumulations);
    for (const {node} of accumulations) this.fillWithStart(node);
    this.writeLoops(0);
    for (const {node} of accumulations) {
      if (reductionOf(node).divides) this.divideAll(node);
    }
  }

  private writeLoops(axis: number): void {
    const {sizes, outer} = this.group.layout;
    if (axis === outer) {
      this.writeRow();
      return;
    }
    const counter = this.counters[axis]!;
    this.f.emit('i32.const', 0);
    this.f.set(counter);
    this.f.whileBelow(
      counter,
      () => this.f.emit('i32.const', sizes[axis]!),
      () => {
        this.writeLoops(axis + 1);
        this.f.advance(counter, 1);
      },
    );
  }

  private writeRow(): void {
    const {group, plan} = this;
    this.rowValues.clear();
    for (const value of [...group.inputs, ...group.outputs]) this.locateRow(value);
    for (const value of plan.scratch) this.rows.set(value, this.bases.get(value)!);
    for (const value of group.inputs) {
      if (!variesAlongRow(group, value)) this.rowValues.set(value, this.loadRepeated(value));
    }
    for (const node of plan.before) this.rowValues.set(node.outputs[0]!, this.compute(node));
    plan.phases.forEach((phase, index) => this.writePhase(phase, index));
    for (const value of group.outputs) {
      const result = this.rowValues.get(value);
      if (result !== undefined && !variesAlongRow(group, value))
        this.store(value, result, SINGLE, null);
    }
  }

  private writePhase(phase: Phase, index: number): void {
    const {f, v, rowSize} = this;
    const combined = [
      ...phase.reductions,
      ...phase.accumulations.filter(({keepsRow}) => !keepsRow).map(({node}) => node),
    ];
    const sums = new Map(
      combined.map((node) => {
        const start = v.float(reductionOf(node).start);
        const sum = Array.from({length: GROUPS}, () => {
          f.get(start[0]!);
          return v.keep();
        });
        return [node, sum] as const;
      }),
    );
    f.emit('i32.const', 0);
    f.set(this.position);
    f.emit('i32.const', 0);
    f.set(this.bytePosition);
    let done = 0;
    for (const width of [{groups: GROUPS, lanes: 4}, {groups: 1, lanes: 4}, SINGLE] as const) {
      const end = rowSize - (rowSize % positionsOf(width));
      if (end > done) this.writePass(phase, index, sums, width, end);
      done = end;
    }
    this.known = new Map();
    for (const [node, sum] of sums) {
      const {combine} = reductionOf(node);
      const result = SHUFFLES.reduce(
        (whole, shuffle) => v.op(combine, whole, this.shuffled(whole, shuffle)),
        sum.map((part): Vec => [part]).reduce((a, b) => v.op(combine, a, b)),
      );
      if (phase.reductions.includes(node)) {
        this.rowValues.set(node.outputs[0]!, this.divided(node, result));
      } else {
        this.accumulate(node, result, SINGLE, null);
      }
    }
    for (const node of phase.after) this.rowValues.set(node.outputs[0]!, this.compute(node));
  }

  private writePass(
    phase: Phase,
    index: number,
    sums: ReadonlyMap<KernelNode, Vec>,
    width: Width,
    end: number,
  ): void {
    const {f, v} = this;
    f.whileBelow(
      this.position,
      () => f.emit('i32.const', end),
      () => {
        this.known = new Map();
        for (const node of phase.nodes) {
          const value = node.outputs[0]!;
          const result = this.valueAt(value, index, width);
          if (isStored(this.group, this.plan, value)) {
            this.store(value, result, width, this.position);
          }
        }
        for (const [node, sum] of sums) {
          const {combine, start} = reductionOf(node);
          const value = this.valueAt(listOf(node.inputs)[0]!, index, width);
          const added =
            width.lanes === 4 ? value : v.select([f.constant(FIRST_LANE)], value, v.float(start));
          for (let group = 0; group < width.groups; group++) {
            f.get(sum[group]!);
            f.get(added[group] ?? added[0]!);
            f.emit(combine);
            f.set(sum[group]!);
          }
        }
        for (const {node, keepsRow} of phase.accumulations) {
          if (!keepsRow) continue;
          const value = this.valueAt(listOf(node.inputs)[0]!, index, width);
          this.accumulate(node, value, width, this.position);
        }
        f.advance(this.position, positionsOf(width));
        f.advance(this.bytePosition, 4 * positionsOf(width));
      },
    );
  }

  /** A value at the current position, in a certain pass. */
  private valueAt(value: Value, phase: number, width: Width): Vec {
    const known = this.rowValues.get(value) ?? this.known.get(value);
    if (known !== undefined) return known;
    const result = isInMemory(this.group, this.plan, value, phase)
      ? this.load(value, width)
      : this.compute(value.node as KernelNode, (input) => this.valueAt(input, phase, width));
    this.known.set(value, result);
    return result;
  }

  private compute(
    node: KernelNode,
    valueOf: (value: Value) => Vec = (value) => this.rowValues.get(value)!,
  ): Vec {
    const inputs = orderedInputs(node);
    if (this.group.roleOf(node) === 'view') return valueOf(inputs[0]!);
    return emitters[node.kernel as ElementwiseKernel](this.v, inputs.map(valueOf), {
      attrs: node.attrs,
      dtype: dtypeOf(node),
    });
  }

  /** Finds where the current row of a tensor begins. */
  private locateRow(value: Value): void {
    const strides = outerStrides(this.group, value);
    const base = this.bases.get(value)!;
    if (strides.length === 0) {
      this.rows.set(value, base);
      return;
    }
    const {f} = this;
    f.get(base);
    strides.forEach(({axis, stride}) => {
      f.get(this.counters[axis]!);
      f.emit('i32.const', stride * bytesOf(value));
      f.emit('i32.mul');
      f.emit('i32.add');
    });
    const row = f.local('i32');
    f.set(row);
    this.rows.set(value, row);
  }

  /** Puts the address of a tensor's row, or of a position in it, on the stack. */
  private address(value: Value, position: Local | null): void {
    this.f.get(this.rows.get(value)!);
    if (position === null) return;
    this.f.get(bytesOf(value) === 1 ? this.position : this.bytePosition);
    this.f.emit('i32.add');
  }

  /** Loads the one number that a row has of a value into all lanes. */
  private loadRepeated(value: Value): Vec {
    this.address(value, null);
    if (value.dtype !== 'bool') {
      this.f.emit('v128.load32_splat', 0);
      return [this.v.keep()];
    }
    const zero = this.v.int(0);
    this.f.get(zero[0]!);
    this.f.emit('v128.load8_lane', 0, 0);
    return this.v.op('i32x4.ne', this.shuffled([this.v.keep()], ZEROTH_LANE), zero);
  }

  private load(value: Value, width: Width): Vec {
    const {f, v} = this;
    return Array.from({length: width.groups}, (_, group) => {
      this.address(value, this.position);
      if (value.dtype !== 'bool') {
        f.emit(width.lanes === 4 ? 'v128.load' : 'v128.load32_zero', 16 * group);
        return v.keep();
      }
      const zero = v.int(0)[0]!;
      if (width.lanes === 4) {
        f.emit('v128.load32_zero', 4 * group);
      } else {
        f.get(zero);
        f.emit('v128.load8_lane', 0, 0);
      }
      f.emit('i16x8.extend_low_i8x16_u');
      f.emit('i32x4.extend_low_i16x8_u');
      f.get(zero);
      f.emit('i32x4.ne');
      return v.keep();
    });
  }

  private store(value: Value, result: Vec, width: Width, position: Local | null): void {
    const {f} = this;
    const isBool = value.dtype === 'bool';
    for (let group = 0; group < width.groups; group++) {
      const local = result[group] ?? result[0]!;
      const bytes = isBool ? this.bytesOfMask(local) : local;
      this.address(value, position);
      f.get(bytes);
      const offset = group * 4 * bytesOf(value);
      if (width.lanes === 1) {
        f.emit(isBool ? 'v128.store8_lane' : 'v128.store32_lane', offset, 0);
      } else if (isBool) {
        f.emit('v128.store32_lane', offset, 0);
      } else {
        f.emit('v128.store', offset);
      }
    }
  }

  /** A mask as bytes of 0 and 1, in the lowest four. */
  private bytesOfMask(mask: Local): Local {
    const {f, v} = this;
    const zero = v.int(0)[0]!;
    f.get(v.and([mask], v.int(1))[0]!);
    f.get(zero);
    f.emit('i16x8.narrow_i32x4_u');
    f.get(zero);
    f.emit('i8x16.narrow_i16x8_u');
    return v.keep();
  }

  /** Puts a value to what a reduction has in memory. */
  private accumulate(node: KernelNode, value: Vec, width: Width, position: Local | null): void {
    const output = node.outputs[0]!;
    const before = Array.from({length: width.groups}, (_, group) => {
      this.address(output, position);
      this.f.emit(width.lanes === 4 ? 'v128.load' : 'v128.load32_zero', 16 * group);
      return this.v.keep();
    });
    const sum = this.v.op(reductionOf(node).combine, before, value);
    this.store(output, sum, width, position);
  }

  private divided(node: KernelNode, sum: Vec): Vec {
    const {divides} = reductionOf(node);
    return divides ? this.v.div(sum, this.v.float(reducedSize(node))) : sum;
  }

  private fillWithStart(node: KernelNode): void {
    const start = this.v.float(reductionOf(node).start);
    this.eachElement(node.outputs[0]!, () => start);
  }

  private divideAll(node: KernelNode): void {
    this.eachElement(node.outputs[0]!, (pointer, lanes) => {
      this.f.get(pointer);
      this.f.emit(lanes === 4 ? 'v128.load' : 'v128.load32_zero', 0);
      return this.divided(node, [this.v.keep()]);
    });
  }

  /** Stores a new value for each element of a tensor of floats, outside of rows. */
  private eachElement(value: Value, compute: (pointer: Local, lanes: 4 | 1) => Vec): void {
    const {f} = this;
    const pointer = f.local('i32');
    const base = this.bases.get(value)!;
    f.get(base);
    f.set(pointer);
    for (const lanes of [4, 1] as const) {
      const bound = (): void => {
        f.get(base);
        f.emit('i32.const', 4 * (value.size - (value.size % lanes)));
        f.emit('i32.add');
      };
      f.whileBelow(pointer, bound, () => {
        const [result] = compute(pointer, lanes);
        f.get(pointer);
        f.get(result!);
        if (lanes === 4) f.emit('v128.store', 0);
        else f.emit('v128.store32_lane', 0, 0);
        f.advance(pointer, 4 * lanes);
      });
    }
  }

  private shuffled(vector: Vec, bytes: readonly number[]): Vec {
    return this.v.each([vector], (local) => {
      this.f.get(local!);
      this.f.get(local!);
      this.f.emit('i8x16.shuffle', ...bytes);
    });
  }
}
