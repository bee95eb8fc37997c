import type { MatchParameters } from './score.ts';

/**
 * Estimated without labels from a generated two-channel set (docs/identity.md); `npx tributary identity estimate` does the
 * same from a shop's own customers.
 */
export const shippedParameters: MatchParameters = {
  levels: {
    email: {
      same: { m: 0.739, u: 1e-7 },
      shared: { m: 0.01, u: 0.002 },
      close: { m: 0.0142, u: 9.35e-6 },
      different: { m: 0.247, u: 1 },
    },
    phone: {
      same: { m: 0.88, u: 5e-7 },
      shared: { m: 0.03, u: 0.002 },
      close: { m: 0.002, u: 1e-6 },
      different: { m: 0.119, u: 1 },
    },
    firstName: {
      same: { m: 0.766, u: 0.00969 },
      alias: { m: 0.136, u: 0.00499 },
      close: { m: 0.0187, u: 0.000575 },
      initial: { m: 0.0339, u: 0.00262 },
      different: { m: 0.0454, u: 0.982 },
    },
    lastName: {
      same: { m: 0.942, u: 0.00264 },
      close: { m: 0.0293, u: 0.00056 },
      part: { m: 0.002, u: 0.00017 },
      different: { m: 0.0284, u: 0.997 },
    },
    address: {
      same: { m: 0.778, u: 2e-6 },
      building: { m: 0.118, u: 4e-6 },
      close: { m: 0.002, u: 1e-6 },
      area: { m: 0.00842, u: 0.000863 },
      different: { m: 0.0959, u: 0.999 },
    },
    company: {
      same: { m: 0.985, u: 0.001 },
      different: { m: 0.0152, u: 0.983 },
    },
    birthDate: {
      same: { m: 0.92, u: 4e-5 },
      close: { m: 0.06, u: 0.0015 },
      part: { m: 0.92, u: 0.016 },
      different: { m: 0.02, u: 0.998 },
    },
    taxId: {
      same: { m: 0.93, u: 1e-7 },
      shared: { m: 0.01, u: 0.002 },
      close: { m: 0.04, u: 1e-4 },
      different: { m: 0.02, u: 1 },
    },
  },
  priorBits: -20,
  mergeBits: 8,
  reviewBits: 0,
};

/** What was estimated for a shop, with what is shipped where it says nothing: fields were added since it was kept. */
export function parametersOf(estimated: MatchParameters | null): MatchParameters {
  return estimated === null
    ? shippedParameters
    : {
        ...shippedParameters,
        ...estimated,
        levels: { ...shippedParameters.levels, ...estimated.levels },
      };
}
