export { type BatchedContractOptions, batchedContract, type Contraction } from "./batched-contract.ts";
export { type ContractionKernels, cpuKernels, type Product } from "./contraction.ts";
export { type Commands, Device, type DeviceOptions, type Dispatch, findGpu } from "./device.ts";
export { GpuError, type GpuFailure } from "./errors.ts";
export { type GpuExecutor, type GpuOptions, gpu } from "./executor.ts";
export { type GpuJsModule, type GpuJsOptions, gpuJsKernels } from "./gpu-js.ts";
export { contractionBound, type Precision, solveRoundOff } from "./precision.ts";
export { type WebGpuOptions, webGpuKernels } from "./webgpu-kernels.ts";
