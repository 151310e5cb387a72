/** Cases of tfjs-core that assert what stock tfjs has wrong, or lacks. */
const wrong = {
  'avgPool gradient x=[3,3,1] f=[3,3] s=1 p=explicit':
    'asserts a gradient that divides by the whole window where that meets padding; the pool itself does not',
  'depthwiseConv2d gradients throws error on dilations > 1': 'asserts that there is no gradient',
  'mirrorPad grad': 'asserts a gradient without what the mirrored part contributes',
  'mirrorPad gradient with clones': 'asserts a gradient without what the mirrored part contributes',
};

/** Those that fail with this library imported. */
export const repaired: Readonly<Record<string, string>> = {
  ...wrong,
  'gradients errors if relevant ops are missing grads':
    'asserts that LogicalAnd has no gradient; it has one, zero, as every mask',
};

const ofIntegers =
  'asserts numbers for a derivative with respect to integers or booleans, which is refused';
const ofTies =
  'asserts that each of several largest values gets all of dy; they share it, as in JAX and PyTorch';
const withoutData = 'its kernel gives a tensor that has no data';

/** Cases that assert what this library's reverse mode does in another way than tfjs's own. */
export const otherwise: Readonly<Record<string, string>> = {
  ...wrong,
  'gradients does not error if irrelevant (pruned) ops are missing grads': ofIntegers,
  'gradients works with asType': ofIntegers,
  'div gradient: Tensor1D with int32': ofIntegers,
  'div gradient: 1d<int32> with 1d<bool> ': ofIntegers,
  'mul gradient: Tensor1D with dtype int32': ofIntegers,
  'pow gradients: Scalar ^ Scalar': ofIntegers,
  'pow gradient with clones': ofIntegers,
  'pow gradients: Tensor ^ Tensor': ofIntegers,
  'pow gradient wrt exponent with negative base': ofIntegers,
  'clone gradient: 1D string works with float32 dy': ofIntegers,
  'clone gradient: 2D int32': ofIntegers,
  'clone gradient: 4D bool': ofIntegers,
  'oneHot has gradient': ofIntegers,
  'oneHot gradient with clones': ofIntegers,
  'oneHot gradient when indices is 3d': ofIntegers,
  'where 1D gradient': ofIntegers,
  'where gradient with clones': ofIntegers,
  'where 2D gradient': ofIntegers,
  'where 3D gradient': ofIntegers,
  'where 4D gradient': ofIntegers,
  'maximum gradients: Tensor1D': ofTies,
  'maximum gradients: Tensor2D': ofTies,
  'minimum gradients: Tensor1D': ofTies,
  'minimum gradients: Tensor2D': ofTies,
  'max max gradient: 1D, ties': ofTies,
  'max max gradient: ties, 2D, axes=-1, keepDims=false': ofTies,
  'max max gradient: ties, 3D, axes=[1, 2], keepDims=false': ofTies,
  'max max gradient: ties, 4D, axes=[1, 2, 3], keepDims=false': ofTies,
  'max max gradient: ties, 4D, axes=[2, 3], keepDims=true': ofTies,
  'min min gradient: 1D, ties': ofTies,
  'min min gradient: ties, 2D, axes=-1, keepDims=false': ofTies,
  'min min gradient: ties, 3D, axes=[1, 2], keepDims=false': ofTies,
  'min min gradient: ties, 4D, axes=[1, 2, 3], keepDims=false': ofTies,
  'min min gradient: ties, 4D, axes=[2, 3], keepDims=true': ofTies,
  'gradient registry register a kernel with gradient and call it': withoutData,
  'gradient registry register a kernel with array inputs and saveAllInputs true': withoutData,
  'gradient registry register a kernel with map inputs and saveAllInputs true should throw error':
    withoutData,
  'gradient registry errors when running non-existent gradient': withoutData,
};
