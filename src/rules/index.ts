import {elementwise} from './elementwise.js';
import type {Signature} from './signatures.js';
import type {Rule} from './rule.js';

/** All rules, by kernel. */
export const rules = {...elementwise};

/** The rule of a kernel, or undefined for a kernel that the library does not know. */
export function ruleFor(kernel: string): Rule<Signature> | undefined {
  return (rules as unknown as Record<string, Rule<Signature>>)[kernel];
}
