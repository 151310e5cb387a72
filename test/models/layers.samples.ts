import * as tf from '@tensorflow/tfjs';

type Shape = number[];

/** A layer of tfjs-layers, and the inputs of one example that it is tried on. */
export interface LayerSample {
  readonly name: string;
  readonly make: () => tf.layers.Layer;
  /** Shapes of one example's inputs, without the batch dimension. */
  readonly inputs: Shape | readonly Shape[];
  /** Inputs are whole numbers below this (of embeddings, categories). */
  readonly below?: number;
  /** Called with `training: true`. */
  readonly training?: boolean;
  /** Why it can't be compared example by example. */
  readonly refused?: {readonly code: string; readonly message: string};
}

const {layers} = tf;
const image: Shape = [6, 5, 3];
const sequence: Shape = [4, 3];
const volume: Shape = [4, 4, 3, 2];
const regularizer = (): tf.serialization.Serializable & {apply(x: tf.Tensor): tf.Scalar} =>
  tf.regularizers.l2({l2: 0.1}) as never;

const sample = (
  name: string,
  make: () => tf.layers.Layer,
  inputs: LayerSample['inputs'],
  more: Partial<LayerSample> = {},
): LayerSample => ({name, make, inputs, ...more});

const pair: readonly Shape[] = [sequence, sequence];

export const layerSamples: readonly LayerSample[] = [
  // Core
  sample('Dense', () => layers.dense({units: 2, activation: 'tanh'}), [3]),
  sample('Dense of a sequence', () => layers.dense({units: 2, useBias: false}), sequence),
  sample(
    'Dense with a regularizer and a constraint',
    () =>
      layers.dense({
        units: 2,
        kernelRegularizer: regularizer() as never,
        kernelConstraint: tf.constraints.maxNorm({maxValue: 2}),
      }),
    [3],
  ),
  ...(
    [
      'elu',
      'hardSigmoid',
      'linear',
      'relu',
      'relu6',
      'selu',
      'sigmoid',
      'softmax',
      'softplus',
      'softsign',
      'tanh',
      'swish',
      'mish',
      'gelu',
      'gelu_new',
    ] as const
  ).map((activation) =>
    sample(`Activation ${activation}`, () => layers.activation({activation} as never), sequence),
  ),
  sample('Dropout (inference)', () => layers.dropout({rate: 0.5}), sequence),
  sample('SpatialDropout1D (inference)', () => layers.spatialDropout1d({rate: 0.5}), sequence),
  sample('GaussianNoise (inference)', () => layers.gaussianNoise({stddev: 1}), sequence),
  sample('GaussianDropout (inference)', () => layers.gaussianDropout({rate: 0.5}), sequence),
  sample('AlphaDropout (inference)', () => layers.alphaDropout({rate: 0.5}), sequence),
  sample('Flatten', () => layers.flatten(), image),
  sample('Flatten channelsFirst', () => layers.flatten({dataFormat: 'channelsFirst'}), image),
  sample('RepeatVector', () => layers.repeatVector({n: 3}), [4]),
  sample('Reshape', () => layers.reshape({targetShape: [2, -1]}), sequence),
  sample('Permute', () => layers.permute({dims: [2, 1]}), sequence),
  sample('Masking', () => layers.masking({maskValue: 0}), sequence),
  sample('Embedding', () => layers.embedding({inputDim: 5, outputDim: 3}), [4], {below: 5}),
  // Activations with parameters
  sample('ReLU', () => layers.reLU({maxValue: 1}), sequence),
  sample('LeakyReLU', () => layers.leakyReLU({alpha: 0.2}), sequence),
  sample('PReLU', () => layers.prelu({alphaInitializer: 'randomNormal'}), sequence),
  sample('ELU', () => layers.elu(), sequence),
  sample('ThresholdedReLU', () => layers.thresholdedReLU({theta: 0.3}), sequence),
  sample('Softmax', () => layers.softmax({axis: 2}), sequence),
  // Convolutions
  sample('Conv1D', () => layers.conv1d({filters: 2, kernelSize: 3, padding: 'same'}), sequence),
  sample(
    'Conv1D dilated',
    () => layers.conv1d({filters: 2, kernelSize: 2, dilationRate: 2}),
    sequence,
  ),
  sample(
    'Conv2D',
    () => layers.conv2d({filters: 2, kernelSize: 3, strides: 2, activation: 'relu'}),
    image,
  ),
  sample(
    'Conv2D dilated',
    () => layers.conv2d({filters: 2, kernelSize: 2, dilationRate: 2, padding: 'same'}),
    image,
  ),
  sample(
    'Conv2DTranspose',
    () => layers.conv2dTranspose({filters: 2, kernelSize: 3, strides: 2}),
    image,
  ),
  sample('Conv3D', () => layers.conv3d({filters: 2, kernelSize: 2}), volume),
  sample('Conv3DTranspose', () => layers.conv3dTranspose({filters: 2, kernelSize: 2}), volume),
  sample(
    'DepthwiseConv2D',
    () => layers.depthwiseConv2d({kernelSize: 3, depthMultiplier: 2}),
    image,
  ),
  sample('SeparableConv2D', () => layers.separableConv2d({filters: 2, kernelSize: 3}), image),
  sample(
    'Cropping2D',
    () =>
      layers.cropping2D({
        cropping: [
          [1, 0],
          [1, 1],
        ],
      }),
    image,
  ),
  sample('UpSampling2D', () => layers.upSampling2d({size: [2, 2]}), image),
  sample(
    'UpSampling2D bilinear',
    () => layers.upSampling2d({size: [2, 2], interpolation: 'bilinear'}),
    image,
  ),
  sample(
    'ZeroPadding2D',
    () =>
      layers.zeroPadding2d({
        padding: [
          [1, 2],
          [0, 1],
        ],
      }),
    image,
  ),
  // Pools
  sample('AveragePooling1D', () => layers.averagePooling1d({poolSize: 2}), sequence),
  sample('MaxPooling1D', () => layers.maxPooling1d({poolSize: 2}), sequence),
  sample('AveragePooling2D', () => layers.averagePooling2d({poolSize: 2, padding: 'same'}), image),
  sample('MaxPooling2D', () => layers.maxPooling2d({poolSize: 2}), image),
  sample('AveragePooling3D', () => layers.averagePooling3d({poolSize: 2} as never), volume),
  sample('MaxPooling3D', () => layers.maxPooling3d({poolSize: 2} as never), volume),
  sample('GlobalAveragePooling1D', () => layers.globalAveragePooling1d({}), sequence),
  sample('GlobalMaxPooling1D', () => layers.globalMaxPooling1d({}), sequence),
  sample('GlobalAveragePooling2D', () => layers.globalAveragePooling2d({} as never), image),
  sample('GlobalMaxPooling2D', () => layers.globalMaxPooling2d({} as never), image),
  // Recurrent
  sample('SimpleRNN', () => layers.simpleRNN({units: 2, returnSequences: true}), sequence),
  sample('GRU', () => layers.gru({units: 2}), sequence),
  sample('LSTM', () => layers.lstm({units: 2, goBackwards: true}), sequence),
  sample(
    'RNN of stacked cells',
    () => layers.rnn({cell: [layers.gruCell({units: 2}), layers.lstmCell({units: 3})] as never}),
    sequence,
  ),
  sample(
    'SimpleRNN of a cell',
    () => layers.rnn({cell: layers.simpleRNNCell({units: 2})}),
    sequence,
  ),
  sample(
    'Bidirectional',
    () =>
      layers.bidirectional({
        layer: layers.lstm({units: 2, returnSequences: true}) as never,
        mergeMode: 'concat',
      }),
    sequence,
  ),
  sample(
    'TimeDistributed',
    () => layers.timeDistributed({layer: layers.dense({units: 2})}),
    sequence,
  ),
  sample('ConvLSTM2D', () => layers.convLstm2d({filters: 2, kernelSize: 2}), [2, 4, 4, 1]),
  // Normalization
  sample(
    'BatchNormalization (inference)',
    () =>
      layers.batchNormalization({
        gammaInitializer: 'randomNormal',
        movingVarianceInitializer: 'ones',
      }),
    image,
  ),
  sample('BatchNormalization (training)', () => layers.batchNormalization(), image, {
    training: true,
    refused: {code: 'buffer-update', message: 'replaceBatchNorm(model)'},
  }),
  sample('LayerNormalization', () => layers.layerNormalization(), sequence),
  // Merge
  sample('Add', () => layers.add(), pair),
  sample('Average', () => layers.average(), pair),
  sample('Concatenate', () => layers.concatenate(), pair),
  sample('Dot', () => layers.dot({axes: [2, 2]} as never), pair),
  sample('Maximum', () => layers.maximum(), pair),
  sample('Minimum', () => layers.minimum(), pair),
  sample('Multiply', () => layers.multiply(), pair),
  // Preprocessing
  sample('Rescaling', () => layers.rescaling({scale: 2, offset: 1}), image),
  sample('CenterCrop', () => layers.centerCrop({height: 3, width: 3}), image),
  sample('Resizing', () => layers.resizing({height: 3, width: 4}), image),
  sample(
    'CategoryEncoding',
    () => layers.categoryEncoding({numTokens: 5, outputMode: 'multiHot'}),
    [4],
    {below: 5, refused: {code: 'value-read', message: 'the value of a mapped tensor was read'}},
  ),
];
