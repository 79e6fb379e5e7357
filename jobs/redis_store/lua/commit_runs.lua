#!lua
-- Store runs, the first result of each, and count them, each once.
-- ARGV: job id, token, lease in seconds, then for each run: index, key, outcome, summary, arrays.
-- Answers: how many had not been counted before.
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
elseif not job.is_counted then
  return UNCOUNTED
end
local counted = 0
for i = 4, #ARGV, 5 do
  local index, run_key, outcome, summary, arrays = unpack(ARGV, i, i + 4)
  local at = key('run', run_key)
  if redis.call('HSETNX', at, 'outcome', outcome) == 1 then
    redis.call('HSET', at, 'summary', summary, 'arrays', arrays)
  else
    outcome = redis.call('HGET', at, 'outcome')
  end
  counted = counted + count_run(job.experiment, index, outcome)
end
return counted
