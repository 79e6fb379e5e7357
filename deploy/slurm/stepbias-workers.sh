#!/bin/bash
#SBATCH --job-name=stepbias-workers
#SBATCH --cpus-per-task=8
#SBATCH --mem-per-cpu=3G
#SBATCH --time=04:00:00
#SBATCH --signal=B:TERM@60
#SBATCH --open-mode=append
# Workers of a stepbias service, one for each core of the task: sbatch --array=1-4 stepbias-workers.sh
# The address of the store, with its password, is in the file stepbias_redis_url of this directory, which is yours alone.
export STEPBIAS_SECRETS_DIR="${STEPBIAS_SECRETS_DIR:-$HOME/.config/stepbias}"
# The limit of a process is the memory of its core, not a share of the node's.
[ -z "$SLURM_MEM_PER_CPU" ] || export STEPBIAS_PROCESS_MEMORY_BYTES="${STEPBIAS_PROCESS_MEMORY_BYTES:-${SLURM_MEM_PER_CPU}000000}"

trap 'stopping=1; kill -TERM $worker 2>/dev/null' TERM
code=70 # what the watch says of a worker that did not work any more
while [ "$code" = 70 ] && [ -z "$stopping" ]; do
    stepbias serve worker --queue batch --concurrency "${SLURM_CPUS_PER_TASK:-1}" --watch &
    worker=$!
    [ -z "$stopping" ] || kill -TERM $worker
    wait $worker
    code=$?
    # The signal has cut the wait short; this one is for the batches, which go back to the queue with their checkpoints.
    [ -z "$stopping" ] || { wait $worker; code=$?; }
done
# Until there is no more to do, a limit at a time: STEPBIAS_REQUEUE=1 sbatch …
[ -z "$stopping" ] || [ -z "$STEPBIAS_REQUEUE" ] || scontrol requeue "$SLURM_JOB_ID"
exit "$code"
