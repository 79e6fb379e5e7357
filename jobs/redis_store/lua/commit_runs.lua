#!lua
-- Store runs, the first result of each, and count them, each once.
-- ARGV: job id, token, lease in seconds, then for each run: index, digest, key in hexadecimal, outcome, summary, arrays.
-- Answers: how many had not been counted before.
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
local at, keys = experiment_key(job.experiment), key('experiment', job.experiment, 'keys')
for i = 4, #ARGV, 6 do
  local first = tonumber(ARGV[i]) * #ARGV[i + 1]
  if redis.call('GETRANGE', keys, first, first + #ARGV[i + 1] - 1) ~= ARGV[i + 1] then
    return redis.error_reply('NOTPLANNED run ' .. ARGV[i] .. ' was planned under another key')
  end
end
local counted = 0
for i = 4, #ARGV, 6 do
  local index, _, run_key, outcome, summary, arrays = unpack(ARGV, i, i + 5)
  local run_at = key('run', run_key)
  if redis.call('HSETNX', run_at, 'summary', summary) == 1 then
    redis.call('HSET', run_at, 'outcome', outcome, 'arrays', arrays)
  else
    outcome = redis.call('HGET', run_at, 'outcome')
  end
  counted = counted + count_run(at, job.experiment, index, outcome)
end
return counted
