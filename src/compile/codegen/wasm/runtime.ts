import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import {engine} from '../../../interpreter/engine.js';
import type {Value} from '../../graph.js';
import {encodeModule, type FunctionBuilder} from './assembler.js';
import {arityOf, LANE_FUNCTIONS, laneFunctions} from './lanes.js';

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
export function memoryOf({wasm}: WasmBackend): WebAssembly.Memory | null {
  const candidates = [wasm.wasmMemory, ...Object.values(wasm.asm ?? {})];
  const memory = candidates.find(
    (each): each is WebAssembly.Memory =>
      each instanceof WebAssembly.Memory && each.buffer === wasm.HEAPU8.buffer,
  );
  return memory ?? null;
}

/** A module of one function with one SIMD instruction: whether the engine knows these is asked by compiling it. */
export const hasSimd = (): boolean =>
  WebAssembly.validate(
    new Uint8Array([
      ...[0, 97, 115, 109, 1, 0, 0, 0, 1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0],
      ...[65, 0, 253, 15, 253, 98, 11],
    ]),
  );

const isShared = (memory: WebAssembly.Memory): boolean =>
  typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;

export type Pointers = (...pointers: readonly number[]) => void;

/** Compiles functions and links them to the backend's memory. */
export function instantiate(functions: readonly FunctionBuilder[]): Pointers[] {
  const memory = memoryOf(wasmBackend())!;
  const imports = laneFunctions.map((name) => ({
    name,
    params: new Array<'f64'>(arityOf(name)).fill('f64'),
    results: ['f64'] as const,
  }));
  const bytes = encodeModule({imports, functions, sharedMemory: isShared(memory)});
  const {exports} = new WebAssembly.Instance(new WebAssembly.Module(bytes as BufferSource), {
    env: {memory, ...LANE_FUNCTIONS},
  });
  return functions.map(({name}) => exports[name] as Pointers);
}

/** Where a tensor's data is. Data that another backend holds is moved first. */
export const addressOf = ({dataIdMap}: WasmBackend, {dataId}: Tensor): number =>
  dataIdMap.get(dataId).memoryOffset;

/** A new tensor of the backend, not yet filled. */
export function newTensor(backend: WasmBackend, {shape, dtype}: Value): Tensor {
  const info = backend.makeOutput([...shape], dtype);
  return engine.makeTensorFromTensorInfo(info, engine.backend);
}
