#!lua flags=allow-oom
-- QUEUED -> RUNNING: the first waiting job of the experiment that has been served least.
-- ARGV: queue, numerics version, worker, lease in seconds. Answers: the job's id, its token, its fields; or nothing.
local LATEST = 1e15 -- No turn is so late, and no number that people count with is lost behind it.
local queue, numerics, worker, lease_seconds = unpack(ARGV)
local flows = flows_key(queue, numerics)
local flow, virtual_now = unpack(redis.call('ZRANGE', flows, 0, 0, 'WITHSCORES'))
if not flow then
  return false
end
local id = string.match(flow, ':(.*)') or ''
local backlog = backlog_key(id, queue)
local waiting = redis.call('ZRANGE', backlog, 0, 0)[1]
local job = waiting and job_of(waiting)
if not job or not experiment_of(id) then
  -- One of the two names is not what was written.
  redis.call('ZREM', flows, flow)
  redis.call('ZREM', backlog, waiting or '')
  damaged(id)
end

-- The experiment takes its turn, and has been served the job's work more.
virtual_now = number_of(virtual_now, 0)
if virtual_now > LATEST then
  virtual_now = 0
end
local served = virtual_now + job.work
redis.call('SET', flows .. ':now', virtual_now)
redis.call('HSET', experiment_key(id), 'served:' .. queue, served)
redis.call('ZREM', backlog, job.id)
if redis.call('EXISTS', backlog) == 1 then
  redis.call('ZADD', flows, served, flow)
else
  redis.call('ZREM', flows, flow)
end

redis.call('SET', flows .. ':since', now)
redis.call('HINCRBY', job.at, 'token', 1)
redis.call('HINCRBY', job.at, 'attempt', 1)
redis.call('HSET', job.at, 'worker', worker)
redis.call('HDEL', job.at, 'is_heard')
enter(job, 'running')
redis.call('ZADD', key('leases'), now + lease_seconds, job.id)
return { job.id, tonumber(redis.call('HGET', job.at, 'token')), redis.call('HGETALL', job.at) }
