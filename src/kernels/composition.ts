import type {NamedAttrMap, NamedTensorMap, Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import type {PerInput, PerOutput} from '../rules/rule.js';
import type {KernelName, Signatures} from '../rules/signatures.js';

/**
 * NOTE [compositions]
 * Kernels that some backend lacks, or has wrong, made of kernels that it has: functions of a kernel's inputs and attributes, as tfjs
 * defines them. They run where the kernel would, on plain data below all levels and all tapes. What they leave behind is disposed.
 */
export type Composition<Name extends KernelName> = (
  inputs: PerInput<Signatures[Name], Tensor>,
  attrs: Signatures[Name]['attrs'],
) => PerOutput<Signatures[Name], Tensor>;

/** A kernel that is right for most calls, and what is computed for the others. */
export interface Repair<Name extends KernelName> {
  /** What is wrong with the backend's own kernel. */
  readonly wrong: string;
  /** What is computed instead. */
  readonly instead: string;
  /**
   * For which calls it is wrong, or throws, by shapes, dtypes and attributes alone: this is asked at every call, and the values are not
   * to be read. `backend` is for what the backend's kernel looks up in there.
   */
  readonly isWrong: (
    inputs: PerInput<Signatures[Name], TensorInfo>,
    attrs: Signatures[Name]['attrs'],
    backend: object,
  ) => boolean;
  /** `kernel` is the backend's own. */
  readonly composition: (
    inputs: PerInput<Signatures[Name], Tensor>,
    attrs: Signatures[Name]['attrs'],
    kernel: Composition<Name>,
  ) => PerOutput<Signatures[Name], Tensor>;
}

/** Kernels of one backend that it lacks. */
export type Compositions = {readonly [Name in KernelName]?: Composition<Name>};

/** Kernels of one backend that are wrong for some calls. The first repair that fits a call is taken. */
export type Repairs = {readonly [Name in KernelName]?: readonly Repair<Name>[]};

/** A repair that serves kernels of several signatures. */
export interface CommonRepair<Inputs extends string> {
  readonly wrong: string;
  readonly instead: string;
  readonly isWrong: (inputs: Readonly<Record<Inputs, TensorInfo>>, attrs: NamedAttrMap) => boolean;
  readonly composition: (
    inputs: Readonly<Record<Inputs, Tensor>>,
    attrs: NamedAttrMap,
    kernel: (inputs: NamedTensorMap, attrs: NamedAttrMap) => Tensor,
  ) => Tensor;
}

/** The same repair for each of several kernels. */
export const repairEach = <const Name extends KernelName, Inputs extends string>(
  names: readonly Name[],
  repair: (name: Name) => CommonRepair<Inputs>,
): Repairs => Object.fromEntries(names.map((name) => [name, [repair(name)]])) as Repairs;

/** All of a backend's repairs, those named first before those named later. */
export function joinRepairs(...parts: readonly Repairs[]): Repairs {
  const joined: Record<string, readonly unknown[]> = {};
  for (const part of parts) {
    for (const [name, list] of Object.entries(part)) {
      joined[name] = [...(joined[name] ?? []), ...list];
    }
  }
  return joined as Repairs;
}
