#!/bin/bash
# A run on 4 nodes of 16 ranks: sbatch docs/examples/slurm.sh
#SBATCH --job-name=dlra
#SBATCH --nodes=4
#SBATCH --ntasks-per-node=16
#SBATCH --cpus-per-task=1
#SBATCH --time=02:00:00
# Two minutes before the time is over all ranks stop together and write what they have.
#SBATCH --signal=USR2@120

module load openmpi   # or mpich; DLRA_MPI=/path/to/libmpi.so names a library that is not found by itself

# One thread of OpenBLAS a rank, which dlra sets itself; all ranks need the same processor and the same library.
# --mpi=list shows what srun can start: pmix for Open MPI, pmi2 for MPICH. mpirun does as well.
srun --mpi=pmix npx dlra run ising --set d=256 --set maxRank=64 --set executor=mpi --out "results/ising-$SLURM_JOB_ID"

# A sweep: each rank takes the next point that is left. Submitted again, it takes up where it ended.
# srun --mpi=pmix npx dlra sweep ising --over alpha=0.5,1,2,3 --over Omega=0.5,1,2 --set d=64 --out results/phases
