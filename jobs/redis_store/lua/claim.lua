#!lua flags=allow-oom
-- QUEUED -> RUNNING: the first waiting job of the experiment that has been served least.
-- ARGV: queue, numerics version, worker, lease in seconds. Answers: the job's id, its token, its fields; or nothing.
local queue, numerics, worker, lease_seconds = unpack(ARGV)
local flows = flows_key(queue, numerics)
local flow, virtual_now = unpack(redis.call('ZRANGE', flows, 0, 0, 'WITHSCORES'))
if not flow then
  return false
end
local id = string.match(flow, ':(.*)')
local backlog = backlog_key(id, queue)
local waiting = redis.call('ZRANGE', backlog, 0, 0)[1]
local job, experiment = waiting and job_of(waiting), id and experiment_of(id)
if not job or not experiment then
  -- One of the two names is not what was written.
  redis.call('ZREM', flows, flow)
  redis.call('ZREM', backlog, waiting or '')
  damaged(id or '')
end

-- The experiment takes its turn, and has been served the job's work more.
local served = tonumber(virtual_now) + charge_of(experiment, job)
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
