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
local missing, found = {}, {}
for i = 7, #ARGV do
  local index, first, run_at = start + i - 7, (i - 7) * bytes + 1, key('run', ARGV[i])
  local users, outcome, page, summary = unpack(call('HMGET', run_at, 'users', 'outcome', 'page', 'summary'))
  -- In this order: a call that is repeated finds the same key there.
  add_user(run_at, 'users', users)
  stop_using_run(string.sub(before, first, first + bytes - 1))
  if outcome and (page or summary) then
    table.insert(found, { index, outcome })
  else
    table.insert(missing, index)
  end
end
redis.call('HINCRBY', at, 'runs_reused', count_runs(at, job.experiment, found))
return missing
