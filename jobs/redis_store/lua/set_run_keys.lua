#!lua
-- Record run keys, which are used from then on, and count the runs that are stored already.
-- ARGV: job id, token, lease in seconds, first index, bytes of a digest, packed digests, then each key in hexadecimal.
-- Answers: the indices whose runs are not stored.
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
local start, bytes, digests = tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6]
local at, keys = experiment_key(job.experiment), key('experiment', job.experiment, 'keys')
local before = redis.call('GETRANGE', keys, start * bytes, start * bytes + #digests - 1)
redis.call('SETRANGE', keys, start * bytes, digests)
local missing, reused = {}, 0
for i = 7, #ARGV do
  local index, first = start + i - 7, (i - 7) * bytes + 1
  local digest, former = string.sub(digests, first, first + bytes - 1), string.sub(before, first, first + bytes - 1)
  -- In this order: a call that is repeated finds the same key there.
  use_run(ARGV[i])
  stop_using_run(former)
  local outcome, summary = unpack(redis.call('HMGET', key('run', ARGV[i]), 'outcome', 'summary'))
  if outcome and summary then
    reused = reused + count_run(at, job.experiment, index, outcome)
  else
    table.insert(missing, index)
  end
end
redis.call('HINCRBY', at, 'runs_reused', reused)
return missing
