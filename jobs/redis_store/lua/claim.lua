#!lua flags=allow-oom
-- QUEUED -> RUNNING. ARGV: job id, worker, id of this request, lease in seconds.
-- Answers: the token and the job's fields, or nothing.
local id, worker, request, lease_seconds = unpack(ARGV)
local job = job_of(id)
if not job then
  return false
end
-- The same request again: its reply was lost, and without this its job would wait for the lease to run out.
local is_repeated = job.state == 'running' and job.claim_id == request
if job.state ~= 'queued' and not is_repeated then
  return false
end
if job.is_counted and redis.call('HGET', experiment_key(job.experiment), 'status') == 'failed' then
  if not is_repeated then
    -- What is left of a failed experiment waits, unannounced, for somebody to retry it.
    redis.call('ZREM', key('queued', job.queue), id)
    return false
  end
end
if not is_repeated then
  redis.call('HINCRBY', job.at, 'token', 1)
  redis.call('HINCRBY', job.at, 'attempt', 1)
  redis.call('HSET', job.at, 'worker', worker, 'claim_id', request)
  redis.call('HDEL', job.at, 'ended_by')
  enter(job, 'running')
end
redis.call('ZADD', key('leases'), now + lease_seconds, id)
return { tonumber(redis.call('HGET', job.at, 'token')), redis.call('HGETALL', job.at) }
