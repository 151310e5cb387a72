import {instructions, type Name} from './instructions.js';

/** WebAssembly's value types, as bytes. */
export const TYPES = {i32: 0x7f, f32: 0x7d, f64: 0x7c, v128: 0x7b} as const;

export type Type = keyof typeof TYPES;

/** The number of a local variable or a parameter of a function. */
export type Local = number;

/** The type of a block that takes and gives nothing. */
const EMPTY = 0x40;

/** An unsigned number in LEB128: seven bits a byte, the lowest first. */
function unsigned(value: number): number[] {
  const bytes: number[] = [];
  do {
    const low = value % 0x80;
    value = Math.floor(value / 0x80);
    bytes.push(value > 0 ? low | 0x80 : low);
  } while (value > 0);
  return bytes;
}

/** A signed number of 32 bits in LEB128. */
function signed(value: number): number[] {
  const bytes: number[] = [];
  for (;;) {
    const low = value & 0x7f;
    value >>= 7;
    const done = (value === 0 && (low & 0x40) === 0) || (value === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

/** Engines copy arrays by `concat` much faster than by spreading them, and code is long. */
const joined = (...parts: readonly (readonly number[])[]): number[] =>
  ([] as number[]).concat(...parts);

const withLength = (bytes: readonly number[]): number[] => joined(unsigned(bytes.length), bytes);

const vector = (items: readonly (readonly number[])[]): number[] =>
  joined(unsigned(items.length), ...items);

const text = (value: string): number[] => withLength([...new TextEncoder().encode(value)]);

/** Instructions, to be had as bytes or as lines of the text format. */
class Code {
  private readonly instructions: {readonly name: Name; readonly operands: readonly number[]}[] = [];

  emit(name: Name, operands: readonly number[]): void {
    this.instructions.push({name, operands});
  }

  get lines(): string[] {
    return this.instructions.map(({name, operands}) => [name, ...operands].join(' '));
  }

  get bytes(): number[] {
    const bytes: number[] = [];
    for (const {name, operands} of this.instructions) {
      const {code, immediates} = instructions[name];
      for (const byte of code) bytes.push(byte);
      for (const byte of encoded(immediates, operands)) bytes.push(byte);
    }
    return bytes;
  }
}

function encoded(immediates: string, operands: readonly number[]): readonly number[] {
  switch (immediates) {
    case 'index':
    case 'lane':
      return unsigned(operands[0]!);
    case 'i32':
      return signed(operands[0]! | 0);
    case 'memory':
      // No alignment is promised: the first byte is its logarithm.
      return [0, ...unsigned(operands[0] ?? 0)];
    case 'memory-lane':
      return [0, ...unsigned(operands[0]!), operands[1]!];
    case 'type':
      return [EMPTY];
    case 'fill':
      return [0];
    default:
      // 16 bytes of a vector, or nothing.
      return operands;
  }
}

/** What a lane of a vector holds: its bytes begin with the lowest. */
const lane = new DataView(new ArrayBuffer(4));

/** Writes the body of a function, an instruction after the other. Blocks are written by callbacks, and so always end. */
export class FunctionBuilder {
  private readonly code = new Code();
  /** Runs before everything else: sets the locals that hold constants. */
  private readonly prologue = new Code();
  private readonly locals: Type[] = [];
  private readonly constants = new Map<string, Local>();

  constructor(
    readonly name: string,
    readonly params: readonly Type[],
  ) {}

  local(type: Type): Local {
    this.locals.push(type);
    return this.params.length + this.locals.length - 1;
  }

  emit(name: Name, ...operands: readonly number[]): void {
    this.code.emit(name, operands);
  }

  get(local: Local): void {
    this.emit('local.get', local);
  }

  set(local: Local): void {
    this.emit('local.set', local);
  }

  /** A local that holds 16 bytes from the start: engines compute constants anew in each round of a loop, locals they keep. */
  constant(bytes: readonly number[]): Local {
    const key = bytes.join();
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const local = this.local('v128');
    this.prologue.emit('v128.const', bytes);
    this.prologue.emit('local.set', [local]);
    this.constants.set(key, local);
    return local;
  }

  /** A local that holds the same float in all four lanes. */
  float(value: number): Local {
    lane.setFloat32(0, value, true);
    return this.inAllLanes();
  }

  /** A local that holds the same int32 in all four lanes. */
  int(value: number): Local {
    lane.setInt32(0, value, true);
    return this.inAllLanes();
  }

  private inAllLanes(): Local {
    const bytes = [...new Uint8Array(lane.buffer)];
    return this.constant([...bytes, ...bytes, ...bytes, ...bytes]);
  }

  /** `local = value` */
  assign(local: Local, value: () => void): void {
    value();
    this.set(local);
  }

  /** `local += amount`, of i32. */
  add(local: Local, amount: () => void): void {
    this.get(local);
    amount();
    this.emit('i32.add');
    this.set(local);
  }

  /** `local += amount` */
  advance(local: Local, amount: number): void {
    this.add(local, () => this.emit('i32.const', amount));
  }

  /** Does `body` until there is an i32 on the stack after `isDone` that is not 0. */
  until(isDone: () => void, body: () => void): void {
    this.emit('block');
    this.emit('loop');
    isDone();
    this.emit('br_if', 1);
    body();
    this.emit('br', 0);
    this.emit('end');
    this.emit('end');
  }

  /** Does `body` while `local`, an i32, is below a bound. */
  whileBelow(local: Local, bound: () => void, body: () => void): void {
    const isDone = (): void => {
      this.get(local);
      bound();
      this.emit('i32.ge_u');
    };
    this.until(isDone, body);
  }

  /** For each `amount` that `counter`, an i32, holds, takes that away and does `body`. */
  countDown(counter: Local, amount: number, body: () => void): void {
    const isDone = (): void => {
      this.get(counter);
      this.emit('i32.const', amount);
      this.emit('i32.lt_u');
    };
    this.until(isDone, () => {
      body();
      this.advance(counter, -amount);
    });
  }

  /** Does `body` if the i32 on the stack is not 0. */
  when(body: () => void): void {
    this.emit('if');
    body();
    this.emit('end');
  }

  /** Does the one if the i32 on the stack is not 0, or else the other. */
  either(one: () => void, other: () => void): void {
    this.emit('if');
    one();
    this.emit('else');
    other();
    this.emit('end');
  }

  /** Leaves `value · factor`, of i32, on the stack. */
  times(value: () => void, factor: number): void {
    value();
    this.emit('i32.const', factor);
    this.emit('i32.mul');
  }

  /** Leaves a vector of four of the eight 32-bit lanes of two vectors on the stack. */
  shuffle(left: Local, right: Local, lanes: readonly number[]): void {
    this.get(left);
    this.get(right);
    this.emit('i8x16.shuffle', ...lanes.flatMap((lane) => [0, 1, 2, 3].map((i) => 4 * lane + i)));
  }

  /** The function in the text format, its blocks indented. */
  get listing(): string {
    const params = this.params.map((type) => ` (param ${type})`).join('');
    const lines = [`(func $${this.name}${params}`];
    if (this.locals.length > 0) lines.push(`  (local ${this.locals.join(' ')})`);
    let depth = 1;
    for (const line of [...this.prologue.lines, ...this.code.lines]) {
      if (line === 'end' || line === 'else') depth--;
      lines.push(`${'  '.repeat(depth)}${line}`);
      if (line === 'block' || line === 'loop' || line === 'if' || line === 'else') depth++;
    }
    return [...lines, ')'].join('\n');
  }

  /** The locals and instructions, as the code section of a module takes them. */
  body(): number[] {
    const locals = vector(this.locals.map((type) => [1, TYPES[type]]));
    return joined(locals, this.prologue.bytes, this.code.bytes, [0x0b]);
  }
}

/** A function of as many i32 as there are names, and the local of each by its name. */
export function functionOf<Parameter extends string>(
  name: string,
  parameters: readonly Parameter[],
): {f: FunctionBuilder; of: (parameter: Parameter) => Local} {
  const f = new FunctionBuilder(
    name,
    parameters.map(() => 'i32'),
  );
  return {f, of: (parameter) => parameters.indexOf(parameter)};
}

/** A function that a module takes from JavaScript. */
export interface ImportedFunction {
  readonly name: string;
  readonly params: readonly Type[];
  readonly results: readonly Type[];
}

export interface ModuleParts {
  /** Functions are numbered through: the imported ones first. */
  readonly imports: readonly ImportedFunction[];
  readonly functions: readonly FunctionBuilder[];
  /** Whether the memory that it is given is shared among threads. */
  readonly sharedMemory: boolean;
}

/** The most pages of 64 KiB that a memory can have: what a shared one must declare. */
const MOST_PAGES = 65536;

/** A module in binary form, which takes a memory (`env.memory`) and functions (`env.<name>`), and exports its own functions. */
export function encodeModule({imports, functions, sharedMemory}: ModuleParts): Uint8Array {
  const signature = (params: readonly Type[], results: readonly Type[]): number[] => [
    0x60,
    ...vector(params.map((type) => [TYPES[type]])),
    ...vector(results.map((type) => [TYPES[type]])),
  ];
  const limits = sharedMemory ? [3, 0, ...unsigned(MOST_PAGES)] : [0, 0];
  const section = (id: number, items: readonly (readonly number[])[]): number[] =>
    joined([id], withLength(vector(items)));
  const bytes = joined(
    [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    section(1, [
      ...imports.map(({params, results}) => signature(params, results)),
      ...functions.map(({params}) => signature(params, [])),
    ]),
    section(2, [
      [...text('env'), ...text('memory'), 2, ...limits],
      ...imports.map(({name}, index) => [...text('env'), ...text(name), 0, ...unsigned(index)]),
    ]),
    section(
      3,
      functions.map((_, index) => unsigned(imports.length + index)),
    ),
    section(
      7,
      functions.map(({name}, index) => [...text(name), 0, ...unsigned(imports.length + index)]),
    ),
    section(
      10,
      functions.map((f) => withLength(f.body())),
    ),
  );
  return new Uint8Array(bytes);
}
