import type { Integrator } from "../integrators/integrator.ts";
import { truncating } from "../ttn/truncate.ts";
import { ranks } from "../ttn/ttn.ts";

/**
 * A method whose steps end at the ranks that they started from: what it makes of them in larger bases is cut to the largest singular values, as
 * many as there were, also where some are zero. Its other promises are those of the method, up to what a cut removes (`discarded`). The cut
 * is part of the step, and so of the velocity of a heavy ball.
 */
export const atGivenRanks = (integrator: Integrator): Integrator => {
  const { starter } = integrator;
  return {
    ...integrator,
    name: `${integrator.name}, at given ranks`,
    promises: { ...integrator.promises, rankAdaptive: false },
    ...(starter && { starter: { ...starter, integrator: atGivenRanks(starter.integrator) } }),
    *step(context, y, t, h) {
      const taken = yield* integrator.step(context, y, t, h);
      if (!taken.ok) return taken;
      const own = ranks(y);
      const { y: end, discarded } = yield* truncating(taken.y, { tolerance: "off", minRank: own, maxRank: own });
      return { ...taken, y: end, discarded: Math.hypot(taken.discarded, discarded), widened: null };
    },
  };
};
