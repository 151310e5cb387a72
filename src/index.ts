import './register.js';

export {TransformError, type ErrorCode} from './errors.js';
export {materialize} from './rules/dims.js';
export type {BatchedInput} from './rules/rule.js';
export {
  registerBatchingRule,
  registerJvpRule,
  unregisterBatchingRule,
  unregisterJvpRule,
  type RegisterOptions,
} from './rules/user.js';
export {grad, gradAndValue, type GradOptions} from './transforms/grad.js';
export {hessian, hvp} from './transforms/hessian.js';
export {jacfwd, jacrev, type JacobianOptions} from './transforms/jacobian.js';
export {jvp, type TangentsOf} from './transforms/jvp.js';
export {install, uninstall} from './transforms/install.js';
export {vjp, type AuxOption, type Pullback} from './transforms/vjp.js';
export {vmap, type VmapOptions} from './transforms/vmap.js';
export type {AnyRank, Argnums, DimTree, Gradient, Jacobian, Selected} from './types.js';
