#!lua flags=allow-oom
-- Queue dead jobs of a failed experiment again, so many at most; where none is dead, or keys are damaged, plan it anew.
-- ARGV: experiment id, numerics version of who asks, a name of the wish, 1 if documents are missing of an experiment that
-- has succeeded, which is then planned anew as well, most jobs, how many parts it must still be as somebody knows it in, each
-- by name and value. The same wish again goes on. Answers: how many dead jobs are left, its record.
local id, numerics, wish, is_incomplete, most = unpack(ARGV)
local experiment = experiment_of(id)
if not experiment then
  return NOT_FOUND
end
local dead = key('experiment', id, 'dead')
if redis.call('HGET', experiment.at, 'retry') ~= wish then
  if not is_as_known(experiment, ARGV, 6) then
    return EDITED
  end
  local ending = ending_of(experiment)
  if ending ~= 'failed' and not (is_incomplete == '1' and ending == 'succeeded') then
    return redis.error_reply('NOTFAILED only a failed experiment can be retried')
  end
  redis.call('HSET', experiment.at, 'retry', wish)
  -- A worker that finds another key than was planned goes on finding it.
  local error = redis.call('HGET', experiment.at, 'error') or ''
  if redis.call('EXISTS', dead) == 0 or string.find(error, 'was planned under another key', 1, true) then
    plan_anew(id, numerics)
  else
    redis.call('HDEL', experiment.at, 'error', 'error_losses', 'error_failures', 'started', 'started_at')
  end
end
if experiment.is_cancelled then
  return { 0, record_of(id) }
end
for _, job_id in ipairs(redis.call('SPOP', dead, most)) do
  local job = job_of(job_id) or damaged(id)
  redis.call('HSET', job.at, 'attempt', 0, 'failures', 0, 'losses', 0)
  redis.call('HDEL', job.at, 'error')
  enter(job, 'queued')
end
return { redis.call('SCARD', dead), record_of(id) }
