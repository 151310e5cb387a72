import type {FunctionBuilder, Local} from '../../../kernels/wasm/assembler.js';
import type {Import} from '../../../kernels/wasm/backend.js';
import type {Name} from '../../../kernels/wasm/instructions.js';

/** Functions of JavaScript that generated code calls for one lane at a time, in double precision. */
export const LANE_FUNCTIONS = {
  acos: Math.acos,
  acosh: Math.acosh,
  asin: Math.asin,
  asinh: Math.asinh,
  atan: Math.atan,
  atan2: Math.atan2,
  atanh: Math.atanh,
  cos: Math.cos,
  cosh: Math.cosh,
  pow: Math.pow,
  sin: Math.sin,
  sinh: Math.sinh,
  tan: Math.tan,
} as const;

export type LaneFunction = keyof typeof LANE_FUNCTIONS;

const laneFunctions = Object.keys(LANE_FUNCTIONS) as readonly LaneFunction[];

/** How many arguments a lane function takes. */
const arityOf = (name: LaneFunction): 1 | 2 => (name === 'pow' || name === 'atan2' ? 2 : 1);

/** The same as a module takes them. Generated code calls them by their numbers here. */
export const laneImports: readonly Import[] = laneFunctions.map((name) => ({
  name,
  params: new Array<'f64'>(arityOf(name)).fill('f64'),
  results: ['f64'],
  function: LANE_FUNCTIONS[name],
}));

/**
 * The same value at several neighbouring groups of four positions: a local for each, or one for all of them where it is the same. Code for several
 * groups is written op by op, which lets the processor overlap them, and share each constant.
 */
export type Vec = readonly Local[];

/**
 * Writes arithmetic on vectors of four lanes: each method appends an instruction for each group and gives the locals that hold its results.
 * Every local is set once. Booleans are masks: a lane has all its bits or none.
 */
export class Lanes {
  constructor(readonly f: FunctionBuilder) {}

  op(name: Name, ...operands: readonly Vec[]): Vec {
    return this.each(operands, (...locals) => {
      for (const local of locals) this.f.get(local);
      this.f.emit(name);
    });
  }

  /** Writes code for each group that leaves a vector on the stack. */
  each(operands: readonly Vec[], write: (...locals: readonly Local[]) => void): Vec {
    const groups = Math.max(...operands.map(({length}) => length));
    return Array.from({length: groups}, (_, group) => {
      write(...operands.map((operand) => operand[group] ?? operand[0]!));
      return this.keep();
    });
  }

  /** Puts the vector on the stack in a local. */
  keep(): Local {
    const local = this.f.local('v128');
    this.f.set(local);
    return local;
  }

  float(value: number): Vec {
    return [this.f.float(value)];
  }

  /** An int32 in every lane; of floats, their bits. */
  int(value: number): Vec {
    return [this.f.int(value)];
  }

  add(a: Vec, b: Vec): Vec {
    return this.op('f32x4.add', a, b);
  }

  sub(a: Vec, b: Vec): Vec {
    return this.op('f32x4.sub', a, b);
  }

  mul(a: Vec, b: Vec): Vec {
    return this.op('f32x4.mul', a, b);
  }

  div(a: Vec, b: Vec): Vec {
    return this.op('f32x4.div', a, b);
  }

  neg(a: Vec): Vec {
    return this.op('f32x4.neg', a);
  }

  abs(a: Vec): Vec {
    return this.op('f32x4.abs', a);
  }

  and(a: Vec, b: Vec): Vec {
    return this.op('v128.and', a, b);
  }

  or(a: Vec, b: Vec): Vec {
    return this.op('v128.or', a, b);
  }

  /** `b < a ? b : a`: a NaN in `a` stays. One instruction, unlike `f32x4.min`. */
  pmin(a: Vec, b: Vec): Vec {
    return this.op('f32x4.pmin', a, b);
  }

  /** `a < b ? b : a` */
  pmax(a: Vec, b: Vec): Vec {
    return this.op('f32x4.pmax', a, b);
  }

  less(a: Vec, b: Vec): Vec {
    return this.op('f32x4.lt', a, b);
  }

  /** `mask ? a : b`, in each lane. */
  select(mask: Vec, a: Vec, b: Vec): Vec {
    return this.op('v128.bitselect', a, b, mask);
  }

  isNan(a: Vec): Vec {
    return this.op('f32x4.ne', a, a);
  }

  shiftLeft(a: Vec, bits: number): Vec {
    return this.shift('i32x4.shl', a, bits);
  }

  /** With copies of the sign from above. */
  shiftRight(a: Vec, bits: number): Vec {
    return this.shift('i32x4.shr_s', a, bits);
  }

  /** `c[0] + c[1]·x + c[2]·x² + …` */
  polynomial(x: Vec, coefficients: readonly number[]): Vec {
    const last = coefficients.length - 1;
    let sum = this.float(coefficients[last]!);
    for (let i = last - 1; i >= 0; i--) {
      sum = this.add(this.mul(sum, x), this.float(coefficients[i]!));
    }
    return sum;
  }

  /** The magnitude of one with the sign of another. */
  copySign(magnitude: Vec, sign: Vec): Vec {
    const signBit = this.int(-0x80000000);
    return this.or(magnitude, this.and(sign, signBit));
  }

  /** A function of JavaScript on each lane. */
  eachLane(name: LaneFunction, ...args: readonly Vec[]): Vec {
    return this.each(args, (...locals) => {
      this.f.get(locals[0]!);
      for (let lane = 0; lane < 4; lane++) {
        for (const local of locals) {
          this.f.get(local);
          this.f.emit('f32x4.extract_lane', lane);
          this.f.emit('f64.promote_f32');
        }
        this.f.emit('call', laneFunctions.indexOf(name));
        this.f.emit('f32.demote_f64');
        this.f.emit('f32x4.replace_lane', lane);
      }
    });
  }

  /** Computes values again in another way, where a lane of `mask` is set. That is expected to be rare. */
  wherever(mask: Vec, values: Vec, again: () => Vec): void {
    const any = mask.slice(1).reduce((all, each) => this.or([all], [each])[0]!, mask[0]!);
    this.f.get(any);
    this.f.emit('v128.any_true');
    this.f.when(() => {
      const chosen = this.select(mask, again(), values);
      values.forEach((value, group) => {
        this.f.get(chosen[group] ?? chosen[0]!);
        this.f.set(value);
      });
    });
  }

  private shift(name: Name, a: Vec, bits: number): Vec {
    return this.each([a], (local) => {
      this.f.get(local!);
      this.f.emit('i32.const', bits);
      this.f.emit(name);
    });
  }
}
