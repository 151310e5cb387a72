import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import {engine} from '../../interpreter/engine.js';
import {encodeModule, type FunctionBuilder, type ImportedFunction} from './assembler.js';

/** The parts of tfjs's wasm backend that generated code stands on; all public in its class, or exports of its Emscripten module. */
export interface WasmBackend {
  readonly wasm: {
    readonly HEAPU8: Uint8Array;
    /** The exports of its WebAssembly instance. */
    readonly asm?: Readonly<Record<string, unknown>>;
    /** Where Emscripten puts the memory that it imports, in the build with threads. */
    readonly wasmMemory?: WebAssembly.Memory;
    _malloc(bytes: number): number;
    _free(address: number): void;
  };
  readonly dataIdMap: {get(dataId: object): {readonly memoryOffset: number}};
  makeOutput(
    shape: number[],
    dtype: DataType,
  ): {readonly dataId: object; readonly shape: number[]; readonly dtype: DataType};
}

export const wasmBackend = (): WasmBackend => engine.backend as unknown as WasmBackend;

/** The memory object that the backend's heap lives in, or null where it shows none. It stays the same when the heap grows. */
function memoryOf({wasm}: WasmBackend): WebAssembly.Memory | null {
  const candidates = [wasm.wasmMemory, ...Object.values(wasm.asm ?? {})];
  const memory = candidates.find(
    (each): each is WebAssembly.Memory =>
      each instanceof WebAssembly.Memory && each.buffer === wasm.HEAPU8.buffer,
  );
  return memory ?? null;
}

/** A module of one function with one SIMD instruction: whether the engine knows these is asked by compiling it. */
const hasSimd = (): boolean =>
  WebAssembly.validate(
    new Uint8Array([
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0],
      ...[65, 0, 253, 15, 253, 98, 11],
    ]),
  );

/** Why no code can be generated for the backend, now that it is in use, or null. */
export function whyUnavailable(): string | null {
  if (!hasSimd()) return 'this engine has no SIMD instructions in WebAssembly';
  return memoryOf(wasmBackend()) === null
    ? "tfjs's wasm backend doesn't show its memory in this build"
    : null;
}

const isShared = (memory: WebAssembly.Memory): boolean =>
  typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;

/** A generated function: takes numbers, most of them addresses, and gives nothing. */
export type Generated = (...numbers: readonly number[]) => void;

/** A function of JavaScript that generated code calls. */
export interface Import extends ImportedFunction {
  readonly function: (...numbers: number[]) => number;
}

/** Compiles functions and links them to the backend's memory. */
export function instantiate(
  functions: readonly FunctionBuilder[],
  imports: readonly Import[] = [],
): Generated[] {
  const memory = memoryOf(wasmBackend())!;
  const bytes = encodeModule({imports, functions, sharedMemory: isShared(memory)});
  const {exports} = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), {
    env: {memory, ...Object.fromEntries(imports.map((each) => [each.name, each.function]))},
  });
  return functions.map(({name}) => exports[name] as Generated);
}

/** Where a tensor's data is. Data that another backend holds is moved first. */
export const addressOf = ({dataIdMap}: WasmBackend, {dataId}: Pick<Tensor, 'dataId'>): number =>
  dataIdMap.get(dataId).memoryOffset;

/** For each instance of the backend's module, what was compiled for it; null where no code can be. */
const compiled = new WeakMap<object, Map<string, Generated | null>>();

/** A function for the wasm backend that is in use, compiled at the first call; null where no code can be generated. */
export function generated(
  name: string,
  generate: (name: string) => FunctionBuilder,
): Generated | null {
  const {wasm} = wasmBackend();
  let functions = compiled.get(wasm);
  if (functions === undefined)
    compiled.set(wasm, (functions = new Map<string, Generated | null>()));
  let known = functions.get(name);
  if (known === undefined) {
    known = whyUnavailable() === null ? tryToCompile(generate(name)) : null;
    functions.set(name, known);
  }
  return known;
}

function tryToCompile(f: FunctionBuilder): Generated | null {
  try {
    return instantiate([f])[0]!;
  } catch {
    // Some browsers compile no more than 4 KB at once on a page's main thread. tfjs's own loops are there.
    return null;
  }
}

/** A new tensor of the backend, not yet filled. */
export function newTensor(
  backend: WasmBackend,
  {shape, dtype}: {readonly shape: readonly number[]; readonly dtype: DataType},
): Tensor {
  const info = backend.makeOutput([...shape], dtype);
  const result = engine.makeTensorFromTensorInfo(info, engine.backend);
  assertAllocated(addressOf(backend, result));
  return result;
}

/** Calls `body` with the address of so many bytes, which are free again when it is done. */
export function withScratch({wasm}: WasmBackend, bytes: number, body: (address: number) => void) {
  const address = wasm._malloc(bytes);
  assertAllocated(address);
  try {
    body(address);
  } finally {
    wasm._free(address);
  }
}

/** The backend's heap gives address 0 when it is full, and code would write there. */
function assertAllocated(address: number): void {
  if (address !== 0) return;
  throw new RangeError(
    "the heap of tfjs's wasm backend is full: dispose of tensors, or compute less at once",
  );
}
