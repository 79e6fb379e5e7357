#!lua flags=allow-oom
-- End an attempt. ARGV: job id, token, lease in seconds, how, most attempts, error. `how` is one of: succeeded; released
-- (given back, which is no attempt); failed (in an error that another attempt may not meet); hopeless (one that it must).
local id, token, lease_seconds, how, max_attempts, error = unpack(ARGV)
local job = held(id, token, lease_seconds)
if not job then
  return LEASE_LOST
end
local state = 'succeeded'
if how == 'released' then
  redis.call('HINCRBY', job.at, 'attempt', -1)
  state = 'queued'
elseif how ~= 'succeeded' then
  job.failures, job.error = job.failures + 1, error
  redis.call('HSET', job.at, 'failures', job.failures, 'error', error)
  state = after_attempt(job, how == 'hopeless' and 0 or tonumber(max_attempts))
end
end_attempt(job, state)
return state
