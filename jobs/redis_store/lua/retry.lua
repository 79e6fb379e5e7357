#!lua flags=allow-oom
-- Queue the dead jobs of a failed experiment again; where none is dead, or keys are damaged, plan it anew.
-- ARGV: experiment id, numerics version of who asks, a name of the wish, 1 if documents are missing of an experiment that
-- has succeeded, which is then planned anew as well. Answers: its record.
local id, numerics, wish, is_incomplete = unpack(ARGV)
local experiment = experiment_of(id)
if not experiment then
  return NOT_FOUND
elseif redis.call('HGET', experiment.at, 'retry') == wish then
  return record_of(id)
elseif ending_of(experiment) ~= 'failed' and not (is_incomplete == '1' and ending_of(experiment) == 'succeeded') then
  return redis.error_reply('NOTFAILED only a failed experiment can be retried')
end
redis.call('HSET', experiment.at, 'retry', wish)
local dead = redis.call('SMEMBERS', key('experiment', id, 'dead'))
-- A worker that finds another key than was planned goes on finding it.
local is_misplanned = string.find(redis.call('HGET', experiment.at, 'error') or '', 'was planned under another key', 1, true)
if #dead == 0 or is_misplanned then
  plan_anew(id, numerics)
  return record_of(id)
end
redis.call('UNLINK', key('experiment', id, 'dead'))
redis.call('HDEL', experiment.at, 'error', 'error_losses', 'error_failures', 'started_at')
redis.call('HSET', experiment.at, 'started', experiment.running > 0 and '1' or '0')
for _, job_id in ipairs(dead) do
  local job = job_of(job_id) or damaged(id)
  redis.call('HSET', job.at, 'attempt', 0, 'failures', 0, 'losses', 0)
  redis.call('HDEL', job.at, 'error')
  enter(job, 'queued')
end
return record_of(id)
