import './register.js';

export {TransformError, type ErrorCode} from './errors.js';
export {combineStateForEnsemble, stackModuleState} from './models/ensemble.js';
export {
  functionalCall,
  makeFunctional,
  makeFunctionalWithBuffers,
  type BufferOptions,
} from './models/functional.js';
export {replaceBatchNorm, type ReplaceOptions} from './models/groupNorm.js';
export type {
  GraphModelLike,
  LayerLike,
  ModelArgs,
  ModelInputs,
  State,
  VariableModule,
} from './models/model.js';
export * as optimizers from './optimizers/index.js';
export {grad, gradAndValue, type GradOptions} from './transforms/grad.js';
export {hessian, hvp} from './transforms/hessian.js';
export {jacfwd, jacrev, type JacobianOptions} from './transforms/jacobian.js';
export {jvp, type TangentsOf} from './transforms/jvp.js';
export {vjp, type AuxOption, type Pullback} from './transforms/vjp.js';
export {vmap, type VmapOptions} from './transforms/vmap.js';
export type {AnyRank, Argnums, DimTree, Gradient, Jacobian, Selected} from './types.js';
