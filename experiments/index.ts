import type { Experiment } from "../src/io/index.ts";
import { ising } from "./ising.ts";
import { kineticGallery } from "./kinetic-gallery.ts";
import { radiationPlane } from "./radiation-plane.ts";
import { radiationReference } from "./radiation-reference.ts";
import { radiationSlab } from "./radiation-slab.ts";
import { robustness } from "./robustness.ts";
import { scaling } from "./scaling.ts";
import { spins } from "./spins.ts";
import { trainingAttention } from "./training-attention.ts";
import { trainingLenet } from "./training-lenet.ts";
import { trainingMlp } from "./training-mlp.ts";
import { trainingTtn } from "./training-ttn.ts";
import { trainingTubal } from "./training-tubal.ts";

/** All experiments that `dlra run` knows. A new one is one file and one entry here. */
export const experiments: readonly Experiment[] = [
  ising,
  spins,
  robustness,
  radiationSlab,
  radiationPlane,
  radiationReference,
  kineticGallery,
  scaling,
  trainingMlp,
  trainingTtn,
  trainingTubal,
  trainingLenet,
  trainingAttention,
];
