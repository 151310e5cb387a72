import {util} from '@tensorflow/tfjs-core';
import {TransformError, describe} from '../errors.js';
import type {Attrs} from './graph.js';

/**
 * The attributes of a kernel call as plain data that nobody else holds: numbers, strings, booleans, null, and arrays and plain objects of
 * them. What is undefined is left out; typed arrays become arrays.
 * @throws TransformError `side-effect` for a function or a tensor among them
 */
export function normalizeAttrs(kernel: string, attrs: object): Attrs {
  const plain = (value: unknown, name: string): unknown => {
    if (value === null || ['number', 'string', 'boolean'].includes(typeof value)) return value;
    if (Array.isArray(value)) return value.map((entry) => plain(entry, name));
    if (util.isTypedArray(value as object)) return [...(value as Int32Array)];
    const prototype: unknown = typeof value === 'object' && Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return fields(value as object);
    throw new TransformError(
      `kernel '${kernel}' was called with ${describe(value)} as its attribute '${name}', which a graph can't hold: attributes are ` +
        `numbers, strings, booleans, and arrays and plain objects of them.`,
      {code: 'side-effect', transform: 'makeFx', kernel},
    );
  };
  const fields = (object: object): Attrs => {
    const copy: Record<string, unknown> = {};
    for (const [name, value] of Object.entries(object)) {
      if (value !== undefined) copy[name] = plain(value, name);
    }
    return copy;
  };
  return fields(attrs);
}

/** A text that two sets of attributes share if they are equal, in whatever order their names are. */
export function attrsKey(attrs: unknown): string {
  if (typeof attrs === 'number') return Object.is(attrs, -0) ? '-0' : String(attrs);
  if (Array.isArray(attrs)) return `[${attrs.map(attrsKey).join()}]`;
  if (typeof attrs === 'object' && attrs !== null) {
    const entries = Object.entries(attrs).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${entries.map(([name, value]) => `${name}:${attrsKey(value)}`).join()}}`;
  }
  return JSON.stringify(attrs);
}
