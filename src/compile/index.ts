import '../register.js';

export {codeOf, constantsOfCode} from './code.js';
export {
  Graph,
  listOf,
  mapPerInput,
  STOP_GRADIENT,
  Value,
  type Attrs,
  type ConstantNode,
  type InputNode,
  type KernelNode,
  type KernelSpec,
  type Node,
  type PerInput,
  type TensorSpec,
  type VariableNode,
} from './graph.js';
export {fromJSON, type GraphFunction, type SerializedFunction} from './graphFunction.js';
export {Interpreter, lastUses, type LastUses} from './interpreter.js';
export {makeFx} from './makeFx.js';
export type {SerializedGraph} from './serialize.js';
export {Transformer} from './transformer.js';
export {
  algebraicSimplification,
  commonSubexpressions,
  constantFolding,
  deadCode,
  fixedPoint,
  layoutSimplification,
  optimize,
  sinkReshapes,
  transposesIntoProducts,
  type Pass,
} from './passes/index.js';
export {aotFunction, type AotFunction, type AotGraphs, type AotOptions} from './aot.js';
export type {CacheInfo} from './cache.js';
export {nop, type Compiled, type Compiler} from './compiler.js';
export {
  defaultPartition,
  minCutPartition,
  minCutRematerializationPartition,
  savedBytes,
  type JointGraph,
  type Partition,
  type PartitionFunction,
  type RecomputeOptions,
} from './partition.js';
export {aotModule, type AotModule} from './aotModule.js';
export {dotOf, drawGraph} from './draw.js';
export {
  exportSavedModel,
  type SavedModelOptions,
  type SavedModelSignature,
} from './tensorflow/exportSavedModel.js';
export {extractGraph} from './extract.js';
export {memoryEfficientFusion, type FusionOptions} from './fusion.js';
export {minifier, type GraphCall} from './minifier.js';
export {jit, type JitFunction, type JitOptions} from './jit.js';
export {
  fusingCompiler,
  type FusedFunction,
  type FusingOptions,
  type Lowered,
} from './fusingCompiler.js';
export type {LoweredStep, StepTime} from './program.js';
export type {
  CodeGenerator,
  CompiledKernel,
  GroupGenerator,
  SegmentGenerator,
} from './codegen/generator.js';
export {webglGenerator} from './codegen/gpu/webgl.js';
export {webgpuGenerator} from './codegen/gpu/webgpu.js';
export {javascriptGenerator} from './codegen/javascript/index.js';
export {tensorflowGenerator} from './codegen/tensorflow/index.js';
export {wasmGenerator} from './codegen/wasm/index.js';
export type {Group, Segment} from './grouping.js';
export type {Layout, Role} from './layout.js';
