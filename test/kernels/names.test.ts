import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {rules} from '../../src/rules/index.js';
import {unruled} from '../../src/rules/unruled.js';

/** What tfjs-core exports as constants: among them the names of its kernels, and the suffix of its ops. */
const kernelNames = Object.entries(tf as unknown as Record<string, unknown>)
  .filter(([name, value]) => /^_?[A-Z]/.test(name) && typeof value === 'string')
  .map(([, value]) => value as string)
  .filter((name) => name !== tf.OP_SCOPE_SUFFIX);

describe("tfjs's names of kernels", () => {
  it('are some 180', () => {
    expect(kernelNames).to.have.length.of.at.least(180);
  });

  it('have a rule, or a reason to have none', () => {
    const forgotten = kernelNames.filter((name) => !(name in rules) && !(name in unruled));
    expect(forgotten).to.deep.equal([]);
  });

  it('have not both', () => {
    expect(Object.keys(unruled).filter((name) => name in rules)).to.deep.equal([]);
  });

  it('are all that rules are for', () => {
    const known = new Set(kernelNames);
    expect(
      [...Object.keys(rules), ...Object.keys(unruled)].filter((name) => !known.has(name)),
    ).to.deep.equal([]);
  });

  it('come with what to use instead where a rule refuses', () => {
    const bare = Object.entries(rules).flatMap(([name, rule]) =>
      [rule.batch, 'derivative' in rule ? rule.derivative : null]
        .filter((part) => typeof part === 'object' && part !== null && 'refuse' in part)
        .filter((part) => !/outside vmap|tf\./.test((part as {refuse: string}).refuse))
        .map(() => name),
    );
    expect(bare).to.deep.equal([]);
  });
});
