import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {
  grad,
  gradAndValue,
  hessian,
  hvp,
  jacfwd,
  jacrev,
  jvp,
  TransformError,
  vjp,
  vmap,
  type ErrorCode,
} from '../../src/index.js';
import {describeBackends} from '../backends.js';

type Tree = tf.TensorContainer;
const sum = (x: tf.Tensor): tf.Tensor => tf.sum(x);

/** Calls a function that must fail with a certain code and message, on arguments that are disposed afterwards. */
function fails<A extends readonly Tree[]>(
  code: ErrorCode,
  message: string | RegExp,
  args: readonly [...A],
  call: (...args: A) => unknown,
): void {
  const before = tf.memory().numTensors;
  let error: unknown;
  try {
    call(...(args as A));
  } catch (caught) {
    error = caught;
  }
  expect(error, 'the call should have thrown').to.be.instanceOf(TransformError);
  const {code: actual, message: text} = error as TransformError;
  if (typeof message === 'string') expect(text).to.include(message);
  else expect(text).to.match(message);
  expect(actual).to.equal(code);
  expect(tf.memory().numTensors, 'tensors left behind by the failed call').to.equal(before);
  tf.dispose([...args]);
}

describeBackends('bad input to vmap', () => {
  const mul = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => tf.mul(a, b);

  it('lists all batch sizes where they differ', () =>
    fails(
      'batch-size-mismatch',
      'vmap: batch sizes differ: argument 0 (float32 [4, 2]) has size 4 along its batch dimension 0; ' +
        'argument 1 (float32 [2, 3]) has size 3 along its batch dimension 1. ' +
        'All batched arguments must agree; pass null in inDims for an argument that all examples share.',
      [tf.ones([4, 2]), tf.ones([2, 3])],
      (a, b) => vmap(mul, {inDims: [0, 1]})(a, b),
    ));

  it('names leaves inside of arguments', () =>
    fails(
      'batch-size-mismatch',
      'argument 0.layers[1].w (float32 [5]) has size 5 along its batch dimension 0',
      [{layers: [{w: tf.ones([4])}, {w: tf.ones([5])}]}],
      (params) => vmap((p: typeof params) => p.layers[0]!.w)(params),
    ));

  it('refuses inDims with another number of entries', () =>
    fails(
      'in-dims-mismatch',
      'inDims has 1 entries, but the function was called with 2 arguments',
      [tf.ones([4]), tf.ones([4])],
      (a, b) => vmap(mul, {inDims: [0] as never})(a, b),
    ));

  it('refuses inDims of another structure', () =>
    fails(
      'in-dims-mismatch',
      "inDims doesn't fit argument 0: it has an object with keys {v} where the argument is an object with keys {w}.",
      [{w: tf.ones([4])}],
      (params) => vmap((p: {w: tf.Tensor}) => p.w, {inDims: [{v: 0}] as never})(params),
    ));

  it('refuses inDims that are neither number, null nor array', () =>
    fails('in-dims-mismatch', 'must be a number, null, or an array', [tf.ones([4])], (x) =>
      vmap(sum, {inDims: 'x' as never})(x),
    ));

  it('refuses a dimension out of range, and says which are valid', () =>
    fails(
      'in-dims-mismatch',
      'inDims has 2 for argument 0 (float32 [4, 2]): valid dimensions are -2 to 1.',
      [tf.ones([4, 2])],
      (x) => vmap(sum, {inDims: 2})(x),
    ));

  it('refuses a fraction as dimension', () =>
    fails('in-dims-mismatch', 'not an integer', [tf.ones([4])], (x) =>
      vmap(sum, {inDims: 0.5})(x),
    ));

  it('refuses to map over a scalar', () =>
    fails(
      'in-dims-mismatch',
      'argument 1 (float32 []): a scalar has no dimension to map over. Pass inDims: [0, null] to share it.',
      [tf.ones([4]), tf.scalar(1)],
      (a, b) => vmap(mul)(a, b),
    ));

  it('refuses to map over a number', () =>
    fails(
      'in-dims-mismatch',
      'argument 1 is the number 3, which has no batch dimension. Pass inDims: [0, null]',
      [tf.ones([4])],
      (a) => vmap((x: tf.Tensor, factor: number) => tf.mul(x, factor))(a, 3),
    ));

  it('refuses when nothing is mapped', () =>
    fails('no-mapped-input', 'inDims is null for every tensor', [tf.ones([4])], (x) =>
      vmap(sum, {inDims: null})(x),
    ));

  it('refuses arguments without tensors', () => {
    fails('no-tensors', 'there are no tensors among the arguments', [], () =>
      vmap(() => tf.scalar(1))(),
    );
  });

  it('refuses an output that is no tensor', () => {
    fails('non-tensor-output', 'the function returned the number 3', [tf.ones([4])], (x) =>
      vmap((_: tf.Tensor) => 3)(x),
    );
    fails('non-tensor-output', 'the function returned undefined', [tf.ones([4])], (x) =>
      vmap((y: tf.Tensor) => void y)(x),
    );
    fails('non-tensor-output', 'a string at output.name', [tf.ones([4])], (x) =>
      vmap((y: tf.Tensor) => ({y, name: 'y'}))(x),
    );
  });

  it('refuses outDims that do not fit', () => {
    fails(
      'out-dims-mismatch',
      "outDims doesn't fit output: it has an array of length 3 where the function returned an array of length 2.",
      [tf.ones([4])],
      (x) => vmap((y: tf.Tensor) => [y, y], {outDims: [0, 0, 0]})(x),
    );
    fails(
      'out-dims-mismatch',
      'outDims has 2 for output, whose shape per example is [3]: valid dimensions are -2 to 1.',
      [tf.ones([4, 3])],
      (x) => vmap((y: tf.Tensor) => tf.sin(y), {outDims: 2})(x),
    );
    fails(
      'out-dims-mismatch',
      'outDims is null for output[1], but it differs between examples',
      [tf.ones([4, 3])],
      (x) => vmap((y: tf.Tensor) => [y, y], {outDims: [0, null]})(x),
    );
  });

  it('refuses a bad chunkSize', () => {
    for (const chunkSize of [0, -1, 1.5, Infinity]) {
      fails(
        'invalid-argument',
        `chunkSize must be a positive integer, but is the number ${chunkSize}`,
        [],
        () => vmap(sum, {chunkSize}),
      );
    }
  });

  const reads: Record<string, (x: tf.Tensor) => unknown> = {
    dataSync: (x) => x.dataSync(),
    arraySync: (x) => x.arraySync(),
    bufferSync: (x) => x.bufferSync(),
    print: (x: tf.Tensor) => {
      x.print();
    },
    toString: (x: tf.Tensor) => x.toString(),
    'an if on a value': (x: tf.Tensor) => {
      if (x.greater(0).dataSync()[0]) throw new Error('never gets here');
    },
  };
  for (const [name, read] of Object.entries(reads)) {
    it(`refuses to read a value by ${name}, and says what to do`, () =>
      fails(
        'value-read',
        /^vmap: the value of a mapped tensor was read .* Choose with tf\.where, compute with tensors, or read after vmap has returned\.$/,
        [tf.ones([4])],
        (x) =>
          vmap((y: tf.Tensor) => {
            read(tf.sin(y));
            return y;
          })(x),
      ));
  }

  it('refuses asynchronous reads', async () => {
    const x = tf.ones([4]);
    let read: Promise<unknown> | undefined;
    tf.dispose(
      vmap((y: tf.Tensor) => {
        read = y.data();
        return y;
      })(x),
    );
    const error: unknown = await read!.then(
      () => null,
      (caught: unknown) => caught,
    );
    expect(error).to.be.instanceOf(TransformError);
    expect((error as TransformError).code).to.equal('value-read');
    x.dispose();
  });

  it('names a kernel that it has no rule for', () => {
    const backend = tf.getBackend();
    tf.registerKernel({
      kernelName: 'Unheard',
      backendName: backend,
      kernelFunc: ({inputs}) => tf.sin(inputs['x'] as tf.Tensor),
    });
    try {
      fails(
        'no-batching-rule',
        "vmap: no batching rule for kernel 'Unheard' (in vmap → vmap). The library does not know this kernel: give it a rule (registerBatchingRule), or call it outside vmap",
        [tf.ones([4, 2])],
        (x) => vmap(vmap((y: tf.Tensor): tf.Tensor => tf.engine().runKernel('Unheard', {x: y})))(x),
      );
    } finally {
      tf.unregisterKernel('Unheard', backend);
    }
  });

  it('says which kernel failed on which shapes', () =>
    fails(
      'kernel-failed',
      /^vmap: kernel '.+' failed on \{.*float32 \[2\].*\}/,
      [tf.ones([4, 2])],
      (x) =>
        vmap((y: tf.Tensor): tf.Tensor => tf.engine().runKernel('Reshape', {x: y}, {shape: [3]}))(
          x,
        ),
    ));
});

describeBackends('bad input to the derivatives', () => {
  it('refuses an output that is no scalar', () => {
    fails(
      'non-scalar-output',
      'grad: the function returned float32 [4], but a gradient needs a float scalar. Reduce it (tf.sum, tf.mean), or use jacrev for the whole Jacobian.',
      [tf.ones([4])],
      (x) => grad((y: tf.Tensor) => tf.sin(y))(x),
    );
    fails('non-scalar-output', 'Return the loss alone', [tf.ones([4])], (x) =>
      grad(((y: tf.Tensor) => ({loss: tf.sum(y)})) as never)(x as never),
    );
    fails('non-scalar-output', "Cast it (tf.cast(y, 'float32'))", [tf.ones([4])], (x) =>
      gradAndValue((y: tf.Tensor) => tf.argMax(y))(x),
    );
    fails('non-tensor-output', 'grad: the function returned undefined', [tf.ones([4])], (x) =>
      grad((() => undefined) as never)(x as never),
    );
  });

  it('refuses integer and boolean arguments', () => {
    fails(
      'non-float-input',
      "grad: argument 0 is int32 [4], with respect to which no derivative can be taken. Cast it (tf.cast(x, 'float32')), or leave it out",
      [tf.ones([4], 'int32')],
      (x) => grad(sum)(x),
    );
    fails(
      'non-float-input',
      'argument 1.mask is bool [2]',
      [tf.ones([4]), {mask: tf.ones([2], 'bool')}],
      (x, m) =>
        grad((y: tf.Tensor, mask: {mask: tf.Tensor}) => tf.sum(y.add(mask.mask.sum())), {
          argnums: 1,
        })(x, m),
    );
    fails('non-float-input', 'jacfwd: argument 0 is int32 []', [tf.scalar(1, 'int32')], (x) =>
      jacfwd(sum)(x),
    );
    fails('non-float-input', 'jvp: argument 0 is int32 []', [tf.scalar(1, 'int32')], (x) =>
      jvp(sum, [x], [x]),
    );
  });

  it('refuses arguments that are no tensors', () => {
    fails('non-float-input', 'argument 0 is the number 3', [], () =>
      grad(tf.square as never)(3 as never),
    );
    fails('non-float-input', 'argument 0.lr is the number 0.1', [tf.scalar(1)], (w) =>
      grad((p: {w: tf.Tensor; lr: number}) => tf.mul(p.w, p.lr))({w, lr: 0.1}),
    );
    fails('no-tensors', 'there is no tensor among the differentiated arguments', [], () =>
      grad((_: object) => tf.scalar(1))({}),
    );
  });

  it('refuses argnums out of range, doubled, or empty', () => {
    fails(
      'invalid-argument',
      'argnums contains 1, but the function was called with 1 argument. Valid numbers are -1 to 0.',
      [tf.scalar(1)],
      (x) => grad(sum, {argnums: 1})(x),
    );
    fails('invalid-argument', 'each once', [tf.scalar(1)], (x) => grad(sum, {argnums: [0, -1]})(x));
    fails('invalid-argument', 'at least one', [tf.scalar(1)], (x) => grad(sum, {argnums: []})(x));
  });

  it('refuses hasAux functions that return no pair', () => {
    fails(
      'non-tensor-output',
      'with hasAux the function must return [output, aux], but it returned float32 []',
      [tf.scalar(1)],
      (x) => grad(sum as never, {hasAux: true})(x as never),
    );
  });

  it('refuses tangents of another shape, dtype or structure', () => {
    fails(
      'tree-mismatch',
      'jvp: tangent 0 is float32 [3], but its primal is float32 [4]. Tangents must match the primals in structure, shape and dtype.',
      [tf.ones([4]), tf.ones([3])],
      (x, t) => jvp(sum, [x], [t]),
    );
    fails(
      'tree-mismatch',
      'tangent 0 is int32 [4]',
      [tf.ones([4]), tf.ones([4], 'int32')],
      (x, t) => jvp(sum, [x], [t]),
    );
    fails(
      'tree-mismatch',
      "the tangents don't fit the primals: expected an array of length 1, but got an array of length 2",
      [tf.ones([4])],
      (x) => jvp(sum, [x], [x, x] as never),
    );
    fails(
      'tree-mismatch',
      'expected an object with keys {w} at [0], but got float32 [4]',
      [{w: tf.ones([4])}],
      (p) => jvp((q: {w: tf.Tensor}) => tf.sum(q.w), [p], [p.w as never]),
    );
    fails('tree-mismatch', 'tangent 0 is the number 1', [tf.scalar(4)], (x) =>
      jvp(sum, [x], [1] as never),
    );
    fails('tree-mismatch', 'jvp: tangent 0 is float32 [3]', [tf.ones([4]), tf.ones([3])], (x, t) =>
      hvp(sum, [x], [t]),
    );
  });

  it('refuses cotangents of another shape, dtype or structure', () => {
    const withPullback = (
      use: (pullback: (ct: never) => unknown) => unknown,
    ): ((x: tf.Tensor) => void) => {
      return (x) => {
        const [y, pullback] = vjp((z: tf.Tensor) => ({y: tf.sin(z)}), [x]);
        try {
          use(pullback);
        } finally {
          pullback.dispose();
          tf.dispose(y);
        }
      };
    };
    const ones = (...shape: number[]): tf.Tensor => tf.keep(tf.ones(shape));
    const three = ones(3);
    fails(
      'tree-mismatch',
      'vjp: cotangent.y is float32 [3], but its output is float32 [4].',
      [tf.ones([4])],
      withPullback((pullback) => pullback({y: three} as never)),
    );
    fails(
      'tree-mismatch',
      "the cotangents don't fit the outputs: expected an object with keys {y}, but got float32 [3]",
      [tf.ones([4])],
      withPullback((pullback) => pullback(three as never)),
    );
    three.dispose();
  });

  it('refuses integer outputs of vjp and jacrev', () =>
    fails(
      'non-float-input',
      'output is int32 [], through which no derivative passes. Return it with hasAux: true',
      [tf.ones([4])],
      (x) => vjp((y: tf.Tensor) => tf.argMax(y), [x]),
    ));

  it('refuses a pullback that was disposed', () =>
    fails(
      'disposed-tensor',
      'the pullback was called after it was disposed',
      [tf.scalar(1)],
      (x) => {
        let pullback: ((cotangent: tf.Tensor) => unknown) | undefined;
        tf.tidy(() => {
          [, pullback] = vjp(sum, [x]);
        });
        pullback!(x);
      },
    ));

  it('names a kernel without a gradient when the pullback meets it, and not before', () => {
    const backend = tf.getBackend();
    tf.registerKernel({
      kernelName: 'Unheard',
      backendName: backend,
      kernelFunc: ({inputs}) => tf.sin(inputs['x'] as tf.Tensor),
    });
    const unheard = (x: tf.Tensor): tf.Tensor => tf.engine().runKernel('Unheard', {x});
    try {
      fails(
        'no-reverse-rule',
        "no reverse rule for kernel 'Unheard'. Register one with tf.registerGradient",
        [tf.scalar(1)],
        (x) => grad(unheard)(x),
      );
      fails('no-forward-rule', "no forward rule for kernel 'Unheard'", [tf.scalar(1)], (x) =>
        jvp(unheard, [x], [x]),
      );
      const x = tf.scalar(3);
      const [gradient, aux] = grad((y: tf.Tensor) => [tf.square(y), unheard(y)] as const, {
        hasAux: true,
      })(x);
      expect(gradient.dataSync()[0]).to.equal(6);
      tf.dispose([x, gradient, aux]);
    } finally {
      tf.unregisterKernel('Unheard', backend);
    }
  });
});

describeBackends('misuse of every transform', () => {
  const transforms: Record<string, (f: never, x: tf.Tensor) => unknown> = {
    vmap: (f, x) => vmap(f)(...([x] as never[])),
    grad: (f, x) => grad(f)(...([x] as never[])),
    gradAndValue: (f, x) => gradAndValue(f)(...([x] as never[])),
    vjp: (f, x) => vjp(f, [x] as never),
    jvp: (f, x) => jvp(f, [x] as never, [x] as never),
    jacrev: (f, x) => jacrev(f)(...([x] as never[])),
    jacfwd: (f, x) => jacfwd(f)(...([x] as never[])),
    hessian: (f, x) => hessian(f)(...([x] as never[])),
    hvp: (f, x) => hvp(f, [x] as never, [x] as never),
  };

  for (const [name, apply] of Object.entries(transforms)) {
    it(`${name} refuses something that is no function`, () =>
      fails(
        'not-a-function',
        `${name}: expected a function as first argument, but got float32 [4]`,
        [tf.ones([4])],
        (x) => apply(x as never, x),
      ));

    it(`${name} refuses an async function, without an unhandled rejection`, async () => {
      const x = tf.ones([4]);
      const f = async (y: tf.Tensor): Promise<tf.Tensor> => {
        await Promise.resolve();
        return tf.sum(y);
      };
      fails(
        'async-function',
        'the function returned a promise. Transforms trace synchronous functions',
        [],
        () => apply(f as never, x),
      );
      // An unhandled rejection would end the test run.
      await new Promise((resolve) => setTimeout(resolve, 0));
      x.dispose();
    });

    it(`${name} refuses a disposed argument`, () => {
      const x = tf.ones([4]);
      x.dispose();
      fails('disposed-tensor', 'argument 0 (float32 [4]) is disposed', [], () =>
        apply(sum as never, x),
      );
    });

    it(`${name} refuses an escaped tracer, inside of other transforms and outside`, () => {
      const x = tf.ones([4]);
      let escaped: tf.Tensor | undefined;
      const f = (y: tf.Tensor): tf.Tensor => {
        escaped = tf.keep(tf.sin(y));
        return tf.sum(escaped);
      };
      const result = apply(f as never, x);
      tf.dispose(result as tf.TensorContainer);
      if (name === 'vjp') (result as [unknown, {dispose(): void}])[1].dispose();
      const message = /^\w+: a traced tensor was used after the \w+ that made it had returned/;
      fails('escaped-tracer', message, [], () => tf.add(escaped!, 1));
      fails('escaped-tracer', message, [tf.ones([4])], (z) =>
        vmap((y: tf.Tensor) => y.add(escaped!))(z),
      );
      x.dispose();
    });

    it(`${name} refuses to store a traced value in a variable, which keeps its value`, () => {
      const v = tf.tidy(() => tf.variable(tf.tensor1d([1, 2, 3, 4]), true, `errors-${name}`));
      const f = (y: tf.Tensor): tf.Tensor => {
        v.assign(y.as1D());
        return tf.sum(y);
      };
      fails(
        'variable-of-tracer',
        "a tf.Variable can't be assigned a traced value (float32 [",
        [tf.ones([4, 4].slice(name === 'vmap' ? 0 : 1))],
        (x) => apply(f as never, x),
      );
      expect([...v.dataSync()]).to.deep.equal([1, 2, 3, 4]);
      const g = (y: tf.Tensor): tf.Tensor => tf.sum(tf.variable(y, true, 'never'));
      fails(
        'variable-of-tracer',
        "a tf.Variable can't start with a traced value",
        [tf.ones([4])],
        (x) => apply(g as never, x),
      );
      expect(tf.engine().registeredVariables).to.not.have.property('never');
      v.dispose();
    });

    it(`${name} passes on what the function throws, and leaves nothing changed`, () => {
      const x = tf.ones([4]);
      const before = tf.memory();
      const fault = new RangeError('mine');
      expect(() =>
        apply(
          ((y: tf.Tensor) => {
            tf.tidy(() => tf.keep(tf.sin(y)));
            throw fault;
          }) as never,
          x,
        ),
      ).to.throw(fault);
      expect(tf.memory().numTensors).to.equal(before.numTensors);
      expect(tf.memory().numDataBuffers).to.equal(before.numDataBuffers);
      expect(tf.engine()).to.not.have.own.property('runKernel');
      x.dispose();
    });
  }

  it('refuses to assign a variable while it is differentiated', () => {
    const v = tf.tidy(() => tf.variable(tf.scalar(3), true, 'errors-assign'));
    fails(
      'variable-of-tracer',
      "tf.grad: the tf.Variable 'errors-assign' can't be assigned while tf.grad differentiates with respect to it.",
      [tf.ones([2]), tf.scalar(7)],
      (x, seven) =>
        vmap(
          (a: tf.Tensor) =>
            tf.variableGrads(() => {
              v.assign(seven);
              return v.mul(a) as tf.Scalar;
            }, [v]).grads[v.name]!,
        )(x),
    );
    expect(v.dataSync()[0]).to.equal(3);
    v.dispose();
  });

  it('refuses an integer through which tf.grad would pass a derivative', () =>
    fails(
      'non-float-input',
      'tf.grad: input 0 is int32 [], with respect to which no derivative can be taken. Cast it',
      [tf.tensor1d([3, 4], 'int32')],
      (x) => vmap(tf.grad((b) => b.toFloat().mul(0.5)))(x),
    ));

  for (const [name, call] of Object.entries({
    grad: (f: (y: tf.Tensor) => tf.Tensor, x: tf.Tensor) => grad((y: tf.Tensor) => sum(f(y)))(x),
    jvp: (f: (y: tf.Tensor) => tf.Tensor, x: tf.Tensor) => jvp(f, [x], [x]),
  })) {
    it(`${name} refuses a custom gradient of the wrong shape`, () => {
      for (const wrong of [(dy: tf.Tensor) => dy.sum(), () => tf.ones([5])]) {
        const f = tf.customGrad((y) => ({
          value: tf.sin(y as tf.Tensor),
          gradFunc: (dy: tf.Tensor) => wrong(dy),
        })) as (y: tf.Tensor) => tf.Tensor;
        fails(
          'kernel-failed',
          /^\w+: the gradient of 'tf.customGrad' gave a cotangent of shape \[5?\] for input 0, whose shape is \[2\]/,
          [tf.ones([2])],
          (x) => call(f, x),
        );
      }
    });
  }

  it('frees what the transpose of a custom gradient keeps when it fails', () => {
    const kernel = {kernelName: 'NoSuchGradient', backendName: tf.getBackend()};
    const runKernel = (name: string, x: tf.Tensor): tf.Tensor =>
      tf.engine().runKernel(name, {x}) as tf.Tensor;
    tf.registerKernel({
      ...kernel,
      kernelFunc: ({inputs}) => runKernel('Sin', inputs['x'] as tf.Tensor),
    });
    const f = tf.customGrad((y) => ({
      value: tf.sin(y as tf.Tensor),
      gradFunc: (dy: tf.Tensor) => runKernel('NoSuchGradient', dy.exp()),
    })) as (y: tf.Tensor) => tf.Tensor;
    fails('no-reverse-rule', "no reverse rule for kernel 'NoSuchGradient'", [tf.ones([2])], (x) =>
      jvp(f, [x], [x]),
    );
    tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  });

  it('refuses a tensor that the function has disposed', () => {
    fails(
      'disposed-tensor',
      "vmap: kernel 'Add' got a disposed tensor as b (float32 []). Return it from the tf.tidy that made it, or keep it",
      [tf.ones([4])],
      (x) =>
        vmap((y: tf.Tensor) => {
          const shared = tf.scalar(1);
          shared.dispose();
          return tf.add(y, shared);
        })(x),
    );
    // The tape still holds the value, but the tensor is gone.
    fails('disposed-tensor', 'grad: a tensor was used after it was disposed', [tf.ones([4])], (x) =>
      grad((y: tf.Tensor) => {
        const z = tf.exp(y);
        const loss = sum(z.mul(y));
        z.dispose();
        return loss.add(sum(tf.clone(z)));
      })(x),
    );
    fails(
      'disposed-tensor',
      'vmap: a tensor was used after it was disposed (float32 []). Return it from the tf.tidy that made it',
      [tf.ones([4])],
      (x) =>
        vmap((y: tf.Tensor) => {
          const z = tf.sin(y);
          z.dispose();
          return tf.add(z, y);
        })(x),
    );
    fails(
      'disposed-tensor',
      'vmap: output (float32 []) is disposed. Return it before disposing it.',
      [tf.ones([4])],
      (x) =>
        vmap((y: tf.Tensor) => {
          const z = tf.sin(y);
          z.dispose();
          return z;
        })(x),
    );
  });
});
