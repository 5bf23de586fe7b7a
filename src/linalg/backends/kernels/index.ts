export { gemm } from "./gemm";
export { peak } from "./micro";
export { lqScratch, qr } from "./qr";
export { svd, svdScratch } from "./svd";
