import type { LocalProblem, LocalSolution } from "../../integrators/local/problem.ts";
import { sizeOf, tensor, width } from "../../linalg/tensor.ts";

/** applications, error estimate, whether converged */
const head = 3;

const lengthOf = ({ field, initial }: LocalProblem): number => head + width(field.dtype) * sizeOf(initial.shape);

/** Solutions one after the other, as one message. Shapes and types are those of the problems and do not travel. */
export function packSolutions(solutions: readonly LocalSolution[]): Float64Array {
  const message = new Float64Array(solutions.reduce((sum, { final }) => sum + head + final.data.length, 0));
  let at = 0;
  for (const { final, applications, errorEstimate, converged } of solutions) {
    message.set([applications, errorEstimate, converged ? 1 : 0], at);
    message.set(final.data, at + head);
    at += head + final.data.length;
  }
  return message;
}

/** The solutions of these problems in a message; their tensors are views of it. */
export function unpackSolutions(problems: readonly LocalProblem[], message: Float64Array): LocalSolution[] {
  const expected = problems.reduce((sum, problem) => sum + lengthOf(problem), 0);
  if (message.length !== expected)
    throw new Error(`mpi: a message has ${message.length} numbers, the solutions expected have ${expected}`);
  let at = 0;
  return problems.map((problem) => {
    const [applications, errorEstimate, converged] = message.subarray(at, at + head) as unknown as number[];
    const data = message.subarray(at + head, at + lengthOf(problem));
    at += lengthOf(problem);
    return {
      final: tensor(problem.initial.shape, problem.field.dtype, data),
      applications: applications!,
      errorEstimate: errorEstimate!,
      converged: converged === 1,
    };
  });
}
