#!lua
-- Record run keys and count the runs that are stored already.
-- ARGV: job id, token, lease in seconds, first index, bytes of a digest, packed digests, then each key in hexadecimal.
-- Answers: the indices whose runs are not stored.
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
local start, at = tonumber(ARGV[4]), experiment_key(job.experiment)
redis.call('SETRANGE', key('experiment', job.experiment, 'keys'), start * tonumber(ARGV[5]), ARGV[6])
local missing, reused = {}, 0
for i = 7, #ARGV do
  local index = start + i - 7
  local outcome, summary = unpack(redis.call('HMGET', key('run', ARGV[i]), 'outcome', 'summary'))
  if outcome and summary then
    reused = reused + count_run(at, job.experiment, index, outcome)
  else
    table.insert(missing, index)
  end
end
redis.call('HINCRBY', at, 'runs_reused', reused)
return missing
