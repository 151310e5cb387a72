/** The part of jasmine's interface that is used here; its package brings no types. */
declare module 'jasmine-core' {
  export interface SpecResult {
    readonly fullName: string;
    readonly status: 'passed' | 'failed' | 'pending' | 'excluded';
    readonly failedExpectations: readonly {readonly message: string}[];
  }

  export interface Environment {
    configure(options: {random: boolean; forbidDuplicateNames: boolean}): void;
    addReporter(reporter: {specDone(result: SpecResult): void}): void;
    execute(): Promise<unknown>;
  }

  export const jasmine: {getEnv(): Environment};
  export function installGlobals(): void;
}
