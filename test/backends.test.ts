import * as tf from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {backends, guarded} from './backends.js';

/** Runs a body as `describeBackends` would and gives the message of its error, or null. */
async function messageOf(context: Mocha.Context, body: () => unknown): Promise<string | null> {
  const [name] = backends;
  try {
    await guarded(name!, body).call(context);
    return null;
  } catch (error) {
    return (error as Error).message;
  }
}

describe('a test of a backend', () => {
  const left: tf.Tensor[] = [];

  afterEach(() => {
    tf.dispose(left.splice(0));
    Reflect.deleteProperty(tf.engine(), 'runKernel');
  });

  it('runs with its backend', async function () {
    expect(await messageOf(this, () => expect(tf.getBackend()).to.equal(backends[0]))).to.equal(
      null,
    );
  });

  it('fails if it leaves a tensor behind', async function () {
    const message = await messageOf(this, () => left.push(tf.scalar(1)));
    expect(message).to.match(/^the test began with \d+ tensors and ended with \d+$/);
  });

  it('fails if it leaves a method on the engine', async function () {
    const message = await messageOf(this, () => {
      Object.assign(tf.engine(), {runKernel: () => undefined});
    });
    expect(message).to.equal('the engine still has its own runKernel');
  });

  it('fails with its own error', async function () {
    const message = await messageOf(this, () => Promise.reject(new Error('of its own')));
    expect(message).to.equal('of its own');
  });

  it('does not take done()', () => {
    const body = (_done: unknown): void => undefined;
    expect(() => guarded('cpu', body as () => void)).to.throw(/returns a promise instead/);
  });
});
