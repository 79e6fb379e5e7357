#!lua
-- Keep a checkpoint in place of the one before; the workers lost so far no longer count against the job, which moved on.
-- ARGV: job id, token, lease in seconds, checkpoint.
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
redis.call('HSET', key('experiment', job.experiment, 'checkpoints'), job.id, ARGV[4])
redis.call('HSET', job.at, 'losses', 0)
return 1
