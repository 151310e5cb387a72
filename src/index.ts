import './register.js';

export {TransformError, type ErrorCode} from './errors.js';
export {checkGrads, type CheckGradsOptions, type DerivativeMode} from './testing/checkGrads.js';
export {cond} from './control/cond.js';
export {foriLoop} from './control/foriLoop.js';
export {map} from './control/map.js';
export type {Predicate} from './control/predicate.js';
export {scan, type ScanOptions} from './control/scan.js';
export type {Body} from './control/trees.js';
export {whileLoop} from './control/whileLoop.js';
export {jit, type JitFunction, type JitOptions} from './compile/jit.js';
export {makeFx} from './compile/makeFx.js';
export type {GraphFunction} from './compile/graphFunction.js';
export {checkpoint} from './transforms/checkpoint.js';
export {customJvp} from './transforms/customJvp.js';
export {customVjp, type CotangentsOf} from './transforms/customVjp.js';
export {materialize} from './rules/dims.js';
export type {BatchedInput} from './rules/rule.js';
export {
  registerBatchingRule,
  registerJvpRule,
  unregisterBatchingRule,
  unregisterJvpRule,
  type RegisterOptions,
} from './rules/user.js';
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
export * as random from './random/index.js';
export {grad, gradAndValue, type GradOptions} from './transforms/grad.js';
export {hessian, hvp, vhp} from './transforms/hessian.js';
export {jacfwd, jacrev, type JacobianOptions} from './transforms/jacobian.js';
export {jvp, type TangentsOf} from './transforms/jvp.js';
export {linearTranspose, linearize, type Pushforward} from './transforms/linearize.js';
export {stopGradient} from './transforms/stopGradient.js';
export {install, uninstall} from './transforms/install.js';
export {vjp, type AuxOption, type Pullback} from './transforms/vjp.js';
export type {Randomness} from './transforms/batching.js';
export {vmap, type VmapOptions} from './transforms/vmap.js';
export type {AnyRank, Argnums, DimTree, Gradient, Jacobian, Selected} from './types.js';
