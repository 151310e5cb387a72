import {jasmine, type SpecResult} from 'jasmine-core';

/** One `it` of tfjs-core's test files, run. */
export interface Case {
  readonly name: string;
  readonly status: SpecResult['status'];
  /** Why it failed: the first line of the first failed expectation. */
  readonly message: string;
}

/** jasmine as tfjs's test files need it: they are full of names that are there twice. Call it before they are loaded. */
export function configureJasmine(): void {
  jasmine.getEnv().configure({random: false, forbidDuplicateNames: false});
}

/** Runs all cases that are loaded. @param onCase  called after each */
export async function runCases(backend: string, onCase: (name: string) => void): Promise<Case[]> {
  const cases: Case[] = [];
  const seen = new Map<string, number>();
  jasmine.getEnv().addReporter({
    specDone({fullName, status, failedExpectations}) {
      const plainName = fullName.replace(` ${backend} {}`, '');
      const count = (seen.get(plainName) ?? 0) + 1;
      seen.set(plainName, count);
      const name = count === 1 ? plainName : `${plainName} (${count})`;
      const message = (failedExpectations[0]?.message ?? '').split('\n')[0]!;
      cases.push({name, status, message});
      onCase(name);
    },
  });
  await jasmine.getEnv().execute();
  return cases;
}

export const withStatus = (cases: readonly Case[], status: Case['status']): Case[] =>
  cases.filter((one) => one.status === status);
