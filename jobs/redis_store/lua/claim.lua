#!lua flags=allow-oom
-- QUEUED -> RUNNING: the first waiting job of the experiment that has been served least.
-- ARGV: queue, numerics version, worker, lease in seconds. Answers: the job's id, its token, its fields; or nothing.
local LATEST = 1e15 -- No turn is so late, and no number that people count with is lost behind it.
local queue, numerics, worker, lease_seconds = unpack(ARGV)
local line = flows_key(queue, numerics, false)

-- The next turn among experiments of one priority; nothing where none waits.
local function next_turn(flows)
  local flow, virtual_now = unpack(redis.call('ZRANGE', flows, 0, 0, 'WITHSCORES'))
  if not flow then
    return nil
  end
  local id = string.match(flow, ':(.*)') or ''
  local backlog = backlog_key(id, queue)
  local waiting = redis.call('ZRANGE', backlog, 0, 0)[1]
  local job, experiment = waiting and job_of(waiting), experiment_of(id)
  local is_waiting = job and job.state == 'queued' and job.experiment == id and job.queue == queue
  if not is_waiting or not experiment then
    -- One of the two names is not what was written: nothing is called so, or something else.
    redis.call('ZREM', flows, flow)
    redis.call('ZREM', backlog, waiting or '')
    damaged(id)
  end
  virtual_now = number_of(virtual_now, 0)
  if virtual_now > LATEST then
    virtual_now = 0
  end
  return { flows = flows, flow = flow, virtual_now = virtual_now, id = id, backlog = backlog, job = job }
end

-- Where both wait, what is done for those that somebody waits for is owed to the others, until it is enough for one job.
local function choose(turn, background)
  if not (turn and background) then
    redis.call('DEL', line .. ':owed')
    return turn or background
  end
  local owed, charge = number_of(redis.call('GET', line .. ':owed'), 0), BACKGROUND_CHARGE * background.job.work
  local is_due = owed >= charge
  redis.call('SET', line .. ':owed', is_due and owed - charge or owed + turn.job.work)
  return is_due and background or turn
end

local turn = choose(next_turn(line), next_turn(flows_key(queue, numerics, true)))
if not turn then
  return false
end

-- The experiment takes its turn, and has been served the job's work more.
local job = turn.job
local served = turn.virtual_now + job.work
redis.call('SET', turn.flows .. ':now', turn.virtual_now)
redis.call('HSET', experiment_key(turn.id), 'served:' .. queue, served)
redis.call('ZREM', turn.backlog, job.id)
if redis.call('EXISTS', turn.backlog) == 1 then
  redis.call('ZADD', turn.flows, served, turn.flow)
else
  redis.call('ZREM', turn.flows, turn.flow)
end

redis.call('SET', line .. ':since', now)
redis.call('HINCRBY', job.at, 'token', 1)
redis.call('HINCRBY', job.at, 'attempt', 1)
redis.call('HSET', job.at, 'worker', worker)
redis.call('HDEL', job.at, 'is_heard')
enter(job, 'running')
redis.call('ZADD', key('leases'), now + lease_seconds, job.id)
return { job.id, tonumber(redis.call('HGET', job.at, 'token')), redis.call('HGETALL', job.at) }
