import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {
  grad,
  hessian,
  install,
  jacfwd,
  jacrev,
  jvp,
  materialize,
  registerBatchingRule,
  registerJvpRule,
  TransformError,
  uninstall,
  unregisterBatchingRule,
  unregisterJvpRule,
  vmap,
  type BatchedInput,
  type ErrorCode,
} from '../../src/index.js';
import {describeBackends, type BackendName} from '../backends.js';
import {expectSame, expectValues} from './values.js';

type Op = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Registers a kernel that is made of ops, so that it is there on every backend, runs `body`, and takes it all back. */
function withKernel(
  backendName: BackendName,
  kernelName: string,
  compute: (inputs: tf.NamedTensorMap, attrs: {factor?: number}) => tf.Tensor | tf.Tensor[],
  {gradient, batch, jvp: forward}: Rules,
  body: () => void,
): void {
  tf.registerKernel({
    kernelName,
    backendName,
    kernelFunc: ({inputs, attrs}) =>
      tf.tidy(() => compute(inputs as tf.NamedTensorMap, (attrs ?? {}) as object)),
  });
  if (gradient) tf.registerGradient({kernelName, ...gradient});
  if (batch) registerBatchingRule(kernelName, batch as never);
  if (forward) registerJvpRule(kernelName, forward as never);
  try {
    tf.tidy(body);
  } finally {
    tf.unregisterKernel(kernelName, backendName);
    if (gradient) tf.unregisterGradient(kernelName);
    if (batch) unregisterBatchingRule(kernelName);
    if (forward) unregisterJvpRule(kernelName);
  }
}

interface Rules {
  readonly gradient?: Omit<tf.GradConfig, 'kernelName'>;
  readonly batch?: object;
  readonly jvp?: object;
}

const call = (kernelName: string, inputs: object, attrs?: object): tf.Tensor =>
  tf.engine().runKernel(kernelName, inputs as tf.NamedTensorMap, attrs as tf.NamedAttrMap);

/** `a·sin(factor·b)`, as a kernel with rules of each kind, and as ops. */
const attrs = {factor: 3};
const waves: Op = (a, b) => call('Waves', {a, b}, attrs);
const wavesByOps: Op = (a, b) => tf.mul(a!, tf.sin(tf.mul(b!, attrs.factor)));

const wavesRules = {
  gradient: {
    inputsToSave: ['a', 'b'],
    gradFunc: (dy: tf.Tensor | tf.Tensor[], [a, b]: tf.Tensor[], {factor}: tf.NamedAttrMap) => ({
      a: () => tf.mul(dy as tf.Tensor, tf.sin(tf.mul(b!, factor as number))),
      b: () =>
        tf
          .mul(dy as tf.Tensor, tf.mul(a!, tf.cos(tf.mul(b!, factor as number))))
          .mul(factor as number),
    }),
  },
  batch: ({a, b}: {a: BatchedInput; b: BatchedInput}, given: typeof attrs, size: number) =>
    call('Waves', {a: materialize(a, size), b: materialize(b, size)}, given),
  jvp: (
    {a, b}: {a: tf.Tensor; b: tf.Tensor},
    {a: da, b: db}: {a?: tf.Tensor; b?: tf.Tensor},
    {factor}: typeof attrs,
  ) => {
    const angle = tf.mul(b, factor);
    const parts: tf.Tensor[] = [];
    if (da) parts.push(tf.mul(da, tf.sin(angle)));
    if (db) parts.push(tf.mul(db, tf.mul(a, tf.cos(angle))).mul(factor));
    return tf.addN(parts);
  },
};

/** What is asked of a kernel of two vectors: every transform, and some of them on each other. */
const uses: Readonly<Record<string, (f: Op) => tf.Tensor[]>> = {
  vmap: (f) => [
    vmap(f)(matrix(), matrix()),
    vmap(f, {inDims: [0, null]})(matrix(), vector()),
    vmap(f, {inDims: [null, 1]})(vector(), matrix().transpose()),
  ],
  'vmap in vmap': (f) => [
    vmap(vmap(f, {inDims: [0, null]}), {inDims: [null, 0]})(matrix(), matrix()),
  ],
  grad: (f) =>
    grad((a: tf.Tensor, b: tf.Tensor) => f(a, b).sum(), {argnums: [0, 1]})(vector(), vector()),
  'grad of grad': (f) => [
    grad((b: tf.Tensor) => grad((c: tf.Tensor) => f(vector(), c).sum())(b).sum())(vector()),
  ],
  'per-example gradients': (f) => [
    vmap(
      grad((a: tf.Tensor, b: tf.Tensor) => f(a, b).square().sum()),
      {inDims: [null, 0]},
    )(vector(), matrix()),
  ],
  jvp: (f) => [
    ...jvp(f, [vector(), vector()], [vector(), tf.onesLike(vector())]),
    jvp((b: tf.Tensor) => f(vector(), b), [vector()], [vector()])[1],
  ],
  Jacobians: (f) => [
    jacfwd((b: tf.Tensor) => f(vector(), b))(vector()),
    jacrev((b: tf.Tensor) => f(vector(), b))(vector()),
  ],
  hessian: (f) => [hessian((b: tf.Tensor) => f(b, b).sum())(vector())],
  'gradient of vmap': (f) => [grad((b: tf.Tensor) => vmap(f)(b, b).sum())(matrix())],
};

const vector = (): tf.Tensor => tf.tensor1d([0.5, -1, 2]);
const matrix = (): tf.Tensor =>
  tf.tensor2d([
    [0.5, -1, 2],
    [1, 0.25, -0.75],
  ]);

const given: Readonly<Record<string, Rules>> = {
  'a gradient and both rules': wavesRules,
  'a gradient and a batching rule': {gradient: wavesRules.gradient, batch: wavesRules.batch},
  'a forward and a batching rule': {batch: wavesRules.batch, jvp: wavesRules.jvp},
};

describeBackends('kernels of users', (backend) => {
  const computeWaves = ({a, b}: tf.NamedTensorMap): tf.Tensor => wavesByOps(a!, b!);

  for (const [what, rules] of Object.entries(given)) {
    for (const [use, run] of Object.entries(uses)) {
      it(`with ${what} work under ${use}`, () => {
        withKernel(backend, 'Waves', computeWaves, rules, () => {
          const expected = run(wavesByOps);
          run(waves).forEach((result, index) => expectSame(result, expected[index]!));
        });
      });
    }
  }

  it('with a forward rule only have stock gradients once install() is called', () => {
    withKernel(backend, 'Waves', computeWaves, {jvp: wavesRules.jvp}, () => {
      install();
      try {
        const slope = tf.grad(tf.grad((b) => waves(vector(), b)));
        expectSame(slope(vector()), tf.grad(tf.grad((b) => wavesByOps(vector(), b)))(vector()));
      } finally {
        uninstall();
      }
    });
  });

  it('with several outputs, one of them constant', () => {
    const both = (x: tf.Tensor): tf.Tensor[] =>
      tf.engine().runKernel('SquareAndSign', {x} as never) as unknown as tf.Tensor[];
    withKernel(
      backend,
      'SquareAndSign',
      ({x}) => [x!.square(), x!.sign()],
      {
        batch: ({x}: {x: BatchedInput}) => both(x.value),
        jvp: ({x}: {x: tf.Tensor}, {x: t}: {x: tf.Tensor}) => [tf.mul(t, tf.mul(x, 2)), null],
      },
      () => {
        const f = (x: tf.Tensor): tf.Tensor => both(x)[0]!.mul(both(x)[1]!);
        expectValues(vmap(f)(vector()), [0.25, -1, 4]);
        expectValues(grad((x: tf.Tensor) => f(x).sum())(vector()), [1, 2, 4]);
        expectValues(vmap(grad(f))(vector()), [1, 2, 4]);
        expectValues(jvp(f, [vector()], [vector()])[1], [0.5, -2, 8]);
        expectValues(jvp((x: tf.Tensor) => both(x)[1]!, [vector()], [vector()])[1], [0, 0, 0]);
      },
    );
  });

  it('with a list of inputs', () => {
    const total = (...xs: tf.Tensor[]): tf.Tensor =>
      tf.engine().runKernel('Total', xs as unknown as tf.NamedTensorMap) as tf.Tensor;
    withKernel(
      backend,
      'Total',
      (xs) => tf.addN(Object.values(xs)).square(),
      {
        batch: (xs: readonly BatchedInput[], _attrs: object, size: number) =>
          total(...xs.map((x) => materialize(x, size))),
        jvp: (xs: readonly tf.Tensor[], tangents: readonly (tf.Tensor | undefined)[]) =>
          tf.mul(2, tf.addN([...xs])).mul(tf.addN(tangents.filter((t) => t !== undefined))),
      },
      () => {
        const f = (a: tf.Tensor, b: tf.Tensor): tf.Tensor => total(a, b, a);
        expectValues(grad(f, {argnums: [0, 1]})(tf.scalar(2), tf.scalar(3))[0], 28);
        expectValues(grad(f, {argnums: [0, 1]})(tf.scalar(2), tf.scalar(3))[1], 14);
        expectValues(vmap(f, {inDims: [0, null]})(vector(), tf.scalar(1)), [4, 1, 25]);
        expectValues(vmap(grad(f), {inDims: [0, null]})(vector(), tf.scalar(1)), [8, -4, 20]);
      },
    );
  });

  it('leave nothing behind, whatever their rules make', () => {
    withKernel(backend, 'Waves', computeWaves, wavesRules, () => {
      const [x, y] = [vector(), matrix()];
      const before = tf.memory();
      tf.dispose(vmap(grad((b: tf.Tensor) => waves(x, b).sum()))(y));
      tf.dispose(jvp(waves, [x, x], [x, x]));
      expect(tf.memory().numTensors).to.equal(before.numTensors);
      expect(tf.memory().numDataBuffers).to.equal(before.numDataBuffers);
    });
  });
});

describeBackends(
  'rules of users',
  (backend) => {
    const fails = (code: ErrorCode, message: string, f: () => unknown): void => {
      expect(() => tf.tidy(f as () => void))
        .to.throw(TransformError, message)
        .with.property('code', code);
    };
    const computeDouble = ({x}: tf.NamedTensorMap): tf.Tensor => x!.mul(2);
    const double = (x: tf.Tensor): tf.Tensor => call('Double', {x});
    const withDouble = (rules: Rules, body: () => void): void =>
      withKernel(backend, 'Double', computeDouble, rules, body);

    it('replace those of the library only where that is asked for', () => {
      const rule = ({x}: {x: BatchedInput}): tf.Tensor => x.value.square();
      fails('invalid-argument', "the library has a rule of its own for 'Sin'", () =>
        registerBatchingRule('Sin', rule),
      );
      const sines = (): tf.Tensor => vmap(tf.sin)(vector());
      registerBatchingRule('Sin', rule, {override: true});
      registerJvpRule('Sin', (_primals, {x: t}) => tf.mul(t!, 7), {override: true});
      tf.tidy(() => {
        expectValues(sines(), [0.25, 1, 4]);
        expectValues(jvp(tf.sin, [vector()], [vector()])[1], [3.5, -7, 14]);
        // What was not replaced is the library's.
        expectSame(grad((x: tf.Tensor) => tf.sin(x).sum())(vector()), tf.cos(vector()));
      });
      unregisterBatchingRule('Sin');
      tf.tidy(() => {
        expectSame(sines(), tf.sin(vector()));
        expectValues(jvp(tf.sin, [vector()], [vector()])[1], [3.5, -7, 14]);
      });
      unregisterJvpRule('Sin');
      tf.tidy(() =>
        expectSame(jvp(tf.sin, [vector()], [vector()])[1], tf.cos(vector()).mul(vector())),
      );
    });

    it('replace earlier ones of the user', () => {
      withDouble({batch: () => tf.zeros([3])}, () => {
        registerBatchingRule('Double', ({x}: {x: BatchedInput}) => double(x.value));
        expectValues(vmap(double)(vector()), [1, -2, 4]);
      });
    });

    it('refuse bad input', () => {
      fails(
        'not-a-function',
        "expected a function as the rule of 'Double', but got undefined",
        () => registerBatchingRule('Double', undefined as never),
      );
      fails('not-a-function', "expected a function as the rule of 'Double', but got a string", () =>
        registerJvpRule('Double', 'x' as never),
      );
      fails('invalid-argument', 'expected the name of a kernel, but got an object', () =>
        registerJvpRule({} as never, () => null),
      );
      fails('invalid-argument', "'Identity' has no rule that could be replaced", () =>
        registerBatchingRule('Identity', () => [], {override: true}),
      );
      fails('invalid-argument', "no such rule is registered for kernel 'Double'", () =>
        unregisterBatchingRule('Double'),
      );
      registerBatchingRule('Double', () => []);
      fails('invalid-argument', "no such rule is registered for kernel 'Double'", () =>
        unregisterJvpRule('Double'),
      );
      unregisterBatchingRule('Double');
    });

    it('are held to their results', () => {
      withDouble({batch: ({x}: {x: BatchedInput}) => x.value.sum()}, () => {
        fails(
          'kernel-failed',
          "vmap: the batching rule of 'Double' gave float32 []. Each output must be a tensor whose first dimension is the batch, of size 3.",
          () => vmap(double)(vector()),
        );
      });
      withDouble({batch: () => undefined}, () => {
        fails('kernel-failed', "the batching rule of 'Double' gave undefined", () =>
          vmap(double)(vector()),
        );
      });
      withDouble({jvp: () => tf.scalar(1)}, () => {
        fails(
          'kernel-failed',
          "jvp: the forward rule of 'Double' gave float32 [] for output 0, whose shape is [3]. A tangent is a tensor of the shape of its output, or null for zero.",
          () => jvp(double, [vector()], [vector()]),
        );
      });
      withDouble({jvp: () => undefined}, () => {
        fails('kernel-failed', "the forward rule of 'Double' gave undefined", () =>
          grad((x: tf.Tensor) => double(x).sum())(vector()),
        );
      });
    });

    it("that can't be transposed say so", () => {
      const rule = (_primals: object, {x: t}: {x: tf.Tensor}): tf.Tensor => double(t);
      withDouble({jvp: rule}, () => {
        expectValues(jvp(double, [vector()], [vector()])[1], [1, -2, 4]);
        fails(
          'no-reverse-rule',
          "its forward rule runs 'Double' itself on a tangent, and can't be transposed for that. Register a gradient with tf.registerGradient.",
          () => grad((x: tf.Tensor) => double(x).sum())(vector()),
        );
      });
    });

    it('that are missing are named with the function that gives them', () => {
      withDouble({}, () => {
        fails('no-batching-rule', 'give it a rule (registerBatchingRule)', () =>
          vmap(double)(vector()),
        );
        fails('no-forward-rule', 'Register one with registerJvpRule, or a gradient with', () =>
          jvp(double, [vector()], [vector()]),
        );
        fails('no-reverse-rule', 'Register one with tf.registerGradient, or a forward rule', () =>
          grad((x: tf.Tensor) => double(x).sum())(vector()),
        );
      });
    });
  },
  {only: ['cpu']},
);
