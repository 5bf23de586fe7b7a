/** A named test for any runner: `for (const { name, run } of contract) test(name, run)`. */
export interface ContractTest {
  /** A sentence about behaviour. */
  readonly name: string;
  /** Throws a BrokenPromise when it does not hold. */
  readonly run: () => Promise<void>;
}
