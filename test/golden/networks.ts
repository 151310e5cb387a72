import * as tf from '@tensorflow/tfjs-core';
import type {Tensor, Tensor1D, Tensor2D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {grad, hessian, hvp, jacfwd, jacrev, jvp, vmap} from '../../src/index.js';
import {program, type Program, type Programs} from './golden.js';

interface Layer {
  w: Tensor;
  b: Tensor;
}

const dense = ({w, b}: Layer, x: Tensor): Tensor => tf.add(tf.dot(x, w), b);

/** Of one example: minus the log-probability of its label. */
const crossEntropy = (logits: Tensor, label: Tensor, classes: number): Tensor =>
  tf.neg(tf.sum(tf.mul(tf.oneHot(label, classes), tf.logSoftmax(logits))));

type Mlp = [Layer, Layer, Layer];

interface MlpInputs {
  params: Mlp;
  x: Tensor2D;
  labels: Tensor1D;
}

function mlp([first, second, third]: Mlp, x: Tensor): Tensor {
  const hidden = tf.relu(dense(second, tf.tanh(dense(first, x))));
  return dense(third, hidden);
}

const mlpLoss = (params: Mlp, x: Tensor, label: Tensor): Tensor =>
  crossEntropy(mlp(params, x), label, 3);

const meanMlpLoss =
  ({x, labels}: MlpInputs) =>
  (params: Mlp): Tensor =>
    tf.mean(vmap(mlpLoss, {inDims: [null, 0, 0]})(params, x, labels));

const multilayer: Programs = {
  'mlp/per-example gradients': program<MlpInputs>(({params, x, labels}) =>
    vmap(grad(mlpLoss), {inDims: [null, 0, 0]})(params, x, labels),
  ),

  'mlp/gradient of the mean loss over vmap': program<MlpInputs>((inputs) =>
    grad(meanMlpLoss(inputs))(inputs.params),
  ),

  'mlp/clipped sum of per-example gradients': program<MlpInputs>(({params, x, labels}) => {
    const clipped = (p: Mlp, a: Tensor, label: Tensor) => {
      const gradient = grad(mlpLoss)(p, a, label);
      const squares = gradient.map(({w, b}) => tf.add(tf.sum(tf.square(w)), tf.sum(tf.square(b))));
      const norm = tf.sqrt(tf.addN(squares));
      const scale = tf.div(1, tf.maximum(1, norm));
      return {
        gradient: gradient.map(({w, b}) => ({w: tf.mul(w, scale), b: tf.mul(b, scale)})),
        norm,
      };
    };
    const {gradient, norm} = vmap(clipped, {inDims: [null, 0, 0]})(params, x, labels);
    return {sum: gradient.map(({w, b}) => ({w: tf.sum(w, 0), b: tf.sum(b, 0)})), norms: norm};
  }),

  'mlp/Hessian-vector product': program<MlpInputs & {v: Mlp}>(
    ({v, ...inputs}) => hvp(meanMlpLoss(inputs), [inputs.params], [v])[0],
  ),

  'mlp/input Jacobian of every example': program<MlpInputs>(({params, x}) => {
    const logits = (v: Tensor) => mlp(params, v);
    return [vmap(jacrev(logits))(x), vmap(jacfwd(logits))(x)];
  }),

  'mlp/neural tangent kernel': program<{params: {first: Layer; second: Layer}; x: Tensor2D}>(
    ({params, x}) => {
      const network = ({first, second}: typeof params, v: Tensor) =>
        dense(second, tf.tanh(dense(first, v)));
      const jacobians = vmap(jacrev(network), {inDims: [null, 0]})(params, x);
      const blocks = Object.values(jacobians).flatMap(({w, b}) => [
        tf.einsum('naij,mbij->nmab', w, w),
        tf.einsum('nai,mbi->nmab', b, b),
      ]);
      return tf.addN(blocks);
    },
  ),
};

const ensembles: Programs = {
  'ensemble/predictions and gradients of several models': program<{
    w1: Tensor;
    b1: Tensor;
    w2: Tensor;
    x: Tensor2D;
    y: Tensor2D;
  }>(({x, y, ...params}) => {
    type Params = typeof params;
    const predict = ({w1, b1, w2}: Params) => tf.matMul(tf.tanh(tf.add(tf.matMul(x, w1), b1)), w2);
    const loss = (p: Params) => tf.mean(tf.squaredDifference(predict(p), y));
    return {predictions: vmap(predict)(params), gradients: vmap(grad(loss))(params)};
  }),

  'ensemble/a minibatch for each model, per-example gradients of each': program<{
    w: Tensor3D;
    x: Tensor3D;
    labels: Tensor2D;
  }>(({w, x, labels}) => {
    const loss = (m: Tensor, a: Tensor, label: Tensor) => crossEntropy(tf.dot(a, m), label, 3);
    return vmap(vmap(grad(loss), {inDims: [null, 0, 0]}))(w, x, labels);
  }),
};

interface Cnn {
  conv1: {w: Tensor4D; b: Tensor};
  conv2: {w: Tensor4D; b: Tensor};
  dense: Layer;
}

interface CnnInputs {
  params: Cnn;
  images: Tensor4D;
  labels: Tensor1D;
}

const alone = (image: Tensor): Tensor4D => tf.expandDims(image, 0) as Tensor4D;

const cnnLoss =
  (pool: 'maxPool' | 'avgPool') =>
  (params: Cnn, image: Tensor, label: Tensor): Tensor => {
    const first = tf.relu(
      tf.add(tf.conv2d(alone(image), params.conv1.w, 1, 'valid'), params.conv1.b),
    ) as Tensor4D;
    const pooled = tf[pool](first, 2, 2, 'valid');
    const second = tf.tanh(tf.add(tf.conv2d(pooled, params.conv2.w, 1, 'valid'), params.conv2.b));
    return crossEntropy(dense(params.dense, tf.reshape(second, [-1])), label, 3);
  };

const perExampleCnn = (pool: 'maxPool' | 'avgPool'): Program =>
  program<CnnInputs>(({params, images, labels}) =>
    vmap(grad(cnnLoss(pool)), {inDims: [null, 0, 0]})(params, images, labels),
  );

const perExampleConvolution = (strides: number, pad: 'same' | 'valid', dilations = 1): Program =>
  program<{x: Tensor4D; w: Tensor4D; ct: Tensor1D}>(({x, w, ct}) => {
    const f = (image: Tensor, filter: Tensor) => {
      const y = tf.conv2d(alone(image), filter as Tensor4D, strides, pad, 'NHWC', dilations);
      return tf.sum(tf.mul(tf.tanh(y), ct));
    };
    return vmap(grad(f, {argnums: [0, 1]}), {inDims: [0, null]})(x, w);
  });

const pooling = (pool: 'maxPool' | 'avgPool'): Program =>
  program<{x: Tensor4D; v: Tensor4D}>(({x, v}) => {
    const f = (image: Tensor) => tf.sum(tf.square(tf[pool](tf.square(alone(image)), 3, 2, 'same')));
    const gradient = vmap(grad(f));
    return {gradient: gradient(x), hvp: jvp(gradient, [x], [v])[1]};
  });

const convolutions: Programs = {
  'cnn/per-example gradients, max pooling': perExampleCnn('maxPool'),
  'cnn/per-example gradients, avg pooling': perExampleCnn('avgPool'),

  'cnn/Hessian-vector product of every example': program<CnnInputs & {v: Cnn}>(
    ({params, images, labels, v}) => {
      const product = (image: Tensor, label: Tensor) =>
        hvp((p: Cnn) => cnnLoss('maxPool')(p, image, label), [params], [v])[0].conv1;
      return vmap(product)(images, labels);
    },
  ),

  'cnn/ensemble with filters of its own for each model': program<{w: Tensor; x: Tensor4D}>(
    ({w, x}) => {
      const loss = (filter: Tensor) => tf.sum(tf.sin(tf.conv2d(x, filter as Tensor4D, 1, 'same')));
      const strided = (filter: Tensor) => tf.conv2d(x, filter as Tensor4D, 2, 'valid');
      return {gradients: vmap(grad(loss))(w), outputs: vmap(strided)(w)};
    },
  ),

  'convolution/same: per-example gradients of filter and image': perExampleConvolution(1, 'same'),
  'convolution/stride 2, same: per-example gradients of filter and image': perExampleConvolution(
    2,
    'same',
  ),
  'convolution/dilation 2: per-example gradients of filter and image': perExampleConvolution(
    1,
    'valid',
    2,
  ),

  'convolution/depthwise: per-example gradients of filter and image': program<{
    x: Tensor4D;
    w: Tensor4D;
  }>(({x, w}) => {
    const f = (image: Tensor, filter: Tensor) =>
      tf.sum(tf.sin(tf.depthwiseConv2d(alone(image), filter as Tensor4D, 1, 'valid')));
    return vmap(grad(f, {argnums: [0, 1]}), {inDims: [0, null]})(x, w);
  }),

  'convolution/transposed, as the pullback of a convolution': program<{x: Tensor4D; w: Tensor4D}>(
    ({x, w}) => {
      const transposed = (image: Tensor, filter: Tensor) =>
        tf.squeeze(
          tf.conv2dTranspose(alone(image), filter as Tensor4D, [1, 6, 4, 2], 2, 'valid'),
          [0],
        );
      const loss = (image: Tensor, filter: Tensor) => tf.sum(tf.sin(transposed(image, filter)));
      return {
        output: vmap(transposed, {inDims: [0, null]})(x, w),
        gradients: vmap(grad(loss, {argnums: [0, 1]}), {inDims: [0, null]})(x, w),
      };
    },
  ),

  'pooling/max, window 3, stride 2, same': pooling('maxPool'),
  'pooling/avg, window 3, stride 2, same': pooling('avgPool'),
};

function batchNorm(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
  const {mean, variance} = tf.moments(x, 0);
  return tf.batchNorm(
    x,
    mean as Tensor1D,
    variance as Tensor1D,
    beta as Tensor1D,
    gamma as Tensor1D,
    1e-3,
  );
}

function layerNorm(x: Tensor, gamma: Tensor, beta: Tensor): Tensor {
  const {mean, variance} = tf.moments(x, -1, true);
  return tf.add(tf.mul(tf.div(tf.sub(x, mean), tf.sqrt(tf.add(variance, 1e-5))), gamma), beta);
}

interface NormInputs {
  x: Tensor;
  gamma: Tensor;
  beta: Tensor;
}

const normalisation: Programs = {
  'normalisation/batch statistics': program<NormInputs & {ct: Tensor}>(({x, gamma, beta, ct}) => {
    const f = (a: Tensor, g: Tensor, b: Tensor) => tf.sum(tf.mul(tf.sin(batchNorm(a, g, b)), ct));
    return {
      gradients: grad(f, {argnums: [0, 1, 2]})(x, gamma, beta),
      hvp: hvp((a: Tensor) => f(a, gamma, beta), [x], [ct])[0],
    };
  }),

  'normalisation/batch statistics of an ensemble': program<NormInputs>(({x, gamma, beta}) => {
    const f = (a: Tensor, g: Tensor, b: Tensor) => tf.sum(tf.pow(batchNorm(a, g, b), 3));
    return vmap(grad(f, {argnums: [0, 1, 2]}), {inDims: [0, 0, null]})(x, gamma, beta);
  }),

  'normalisation/given statistics': program<{
    x: Tensor;
    mean: Tensor;
    variance: Tensor;
    offset: Tensor;
    scale: Tensor;
  }>(({x, mean, variance, offset, scale}) => {
    const f = (a: Tensor, m: Tensor, v: Tensor, o: Tensor, s: Tensor) =>
      tf.sum(
        tf.sin(tf.batchNorm(a, m as Tensor1D, v as Tensor1D, o as Tensor1D, s as Tensor1D, 1e-3)),
      );
    const gradients = grad(f, {argnums: [0, 1, 2, 3, 4]});
    return vmap(gradients, {inDims: [0, null, null, null, null]})(x, mean, variance, offset, scale);
  }),

  'normalisation/layer': program<NormInputs>(({x, gamma, beta}) => {
    const f = (a: Tensor, g: Tensor, b: Tensor) => tf.sum(tf.sin(layerNorm(a, g, b)));
    return vmap(grad(f, {argnums: [0, 1, 2]}), {inDims: [0, null, null]})(x, gamma, beta);
  }),

  'normalisation/local response': program<{x: Tensor4D}>(({x}) => {
    const f = (a: Tensor) =>
      tf.sum(tf.sin(tf.localResponseNormalization(a as Tensor3D, 2, 1, 0.5, 0.75)));
    return vmap(grad(f))(x);
  }),
};

interface Logits {
  logits: Tensor2D;
  labels: Tensor1D;
}

const softmaxes: Programs = {
  // tfjs's own loss is a tf.customGrad: its rule, not its formula, is differentiated here.
  'softmax cross entropy/loss, gradient and Hessian per example': program<Logits>(
    ({logits, labels}) => {
      const loss = (x: Tensor, label: Tensor): Tensor =>
        tf.losses.softmaxCrossEntropy(tf.oneHot(label, 3), x);
      return [loss, grad(loss), hessian(loss)].map((f) => vmap(f)(logits, labels));
    },
  ),

  'softmax cross entropy/large logits do not overflow': program<Logits>(({logits, labels}) => {
    const loss = (x: Tensor, label: Tensor) => crossEntropy(x, label, 4);
    return [vmap(loss)(logits, labels), vmap(grad(loss))(logits, labels)];
  }),
};

type Weights = Record<'q' | 'k' | 'v' | 'o' | 'gamma' | 'beta' | 'up' | 'down', Tensor>;

/** One block over [tokens, 4]: two heads of width 2, a residual, a norm, a feed-forward layer. */
function attention(p: Weights, x: Tensor): Tensor {
  const heads = (w: Tensor) => tf.transpose(tf.reshape(tf.matMul(x, w), [-1, 2, 2]), [1, 0, 2]);
  const scores = tf.div(tf.matMul(heads(p.q), heads(p.k), false, true), Math.SQRT2);
  const mixed = tf.reshape(
    tf.transpose(tf.matMul(tf.softmax(scores), heads(p.v)), [1, 0, 2]),
    [-1, 4],
  );
  const y = layerNorm(tf.add(x, tf.matMul(mixed, p.o)), p.gamma, p.beta);
  return tf.add(y, tf.matMul(tf.softplus(tf.matMul(y, p.up)), p.down));
}

const sequences: Programs = {
  'attention/per-example gradients of a block': program<{p: Weights; x: Tensor3D}>(({p, x}) => {
    const loss = (params: Weights, tokens: Tensor) => tf.mean(tf.square(attention(params, tokens)));
    return vmap(grad(loss), {inDims: [null, 0]})(p, x);
  }),

  'attention/Jacobian of the last token and Hessian-vector product': program<{
    p: Weights;
    x: Tensor3D;
    t: Tensor;
  }>(({p, x, t}) => {
    const last = (tokens: Tensor) =>
      tf.reshape(tf.slice(attention(p, tokens), [4, 0], [1, 4]), [4]);
    const energy = (tokens: Tensor) => tf.sum(tf.square(attention(p, tokens)));
    const first = tf.squeeze(tf.slice(x, 0, 1), [0]);
    return {
      jacobian: jacrev(last)(first),
      tangents: vmap((tokens: Tensor) => jvp(last, [tokens], [t])[1])(x),
      hvp: vmap((tokens: Tensor) => hvp(energy, [tokens], [t])[0])(x),
    };
  }),

  'recurrent/gated unit unrolled, per-example gradients': program<{
    p: Record<'z' | 'r' | 'h', Tensor>;
    x: Tensor3D;
  }>(({p, x}) => {
    const loss = (params: typeof p, sequence: Tensor) => {
      let h: Tensor = tf.zeros([3]);
      for (const input of tf.unstack(sequence)) {
        const joined = tf.concat([input, h], 0);
        const z = tf.sigmoid(tf.dot(joined, params.z));
        const r = tf.sigmoid(tf.dot(joined, params.r));
        const candidate = tf.tanh(tf.dot(tf.concat([input, tf.mul(r, h)], 0), params.h));
        h = tf.add(tf.mul(tf.sub(1, z), h), tf.mul(z, candidate));
      }
      return tf.sum(tf.mul(h, h));
    };
    return vmap(grad(loss), {inDims: [null, 0]})(p, x);
  }),
};

const lookups: Programs = {
  'embedding/per-example gradients of a table': program<{
    table: Tensor2D;
    ids: Tensor2D;
    w: Tensor1D;
  }>(({table, ids, w}) => {
    const loss = (t: Tensor, i: Tensor) => {
      const bag = tf.mean(tf.gather(t, i as Tensor1D), 0);
      return tf.mul(tf.sin(tf.sum(tf.mul(bag, w))), tf.sum(tf.mul(bag, bag)));
    };
    return vmap(grad(loss), {inDims: [null, 0]})(table, ids);
  }),

  'graph/message passing over edges': program<{
    x: Tensor2D;
    w: Tensor2D;
    source: Tensor1D;
    target: Tensor1D;
  }>(({x, w, source, target}) => {
    const energy = (nodes: Tensor, m: Tensor) => {
      const messages = tf.tanh(tf.matMul(tf.gather(nodes, source), m));
      return tf.sum(tf.pow(tf.unsortedSegmentSum(messages, target, 4), 3));
    };
    return [
      grad(energy, {argnums: [0, 1]})(x, w),
      hvp((nodes: Tensor) => energy(nodes, w), [x], [x])[0],
    ];
  }),
};

export const networks: Programs = {
  ...multilayer,
  ...ensembles,
  ...convolutions,
  ...normalisation,
  ...softmaxes,
  ...sequences,
  ...lookups,
};
