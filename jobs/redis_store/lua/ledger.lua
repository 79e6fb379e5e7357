-- What every script begins with: the store's clock, the names of its keys, and how a job's move changes what its
-- experiment counts. The twin of jobs/memory/ledger.py.
--
-- Keys are made from ids inside the scripts, so this is for one server and its replicas, not for a cluster. Scripts check
-- before they write: what is refused has changed nothing.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000

local FINAL = { succeeded = true, failed = true, cancelled = true }
local LEASE_LOST = redis.error_reply("LEASELOST the job is no longer this worker's")
local UNCOUNTED = redis.error_reply("UNCOUNTED the job belongs to no experiment's count")
local NOT_FOUND = redis.error_reply('NOTFOUND there is no such experiment')

local function key(...)
  return PREFIX .. table.concat({ ... }, ':')
end

local function experiment_key(id)
  return key('experiment', id)
end

-- The record of an experiment with the time it was read at, for the caller to decode.
local function record_of(experiment)
  return { string.format('%.6f', now), redis.call('HGETALL', experiment_key(experiment)) }
end

local function move_experiment(experiment, status)
  local at = experiment_key(experiment)
  local before, number = unpack(redis.call('HMGET', at, 'status', 'number'))
  if before then
    redis.call('ZREM', key('experiments', 'status', before), experiment)
  end
  redis.call('ZADD', key('experiments', 'status', status), number, experiment)
  redis.call('HSET', at, 'status', status)
  if FINAL[status] then
    redis.call('HSET', at, 'finished_at', now)
  else
    redis.call('HDEL', at, 'finished_at')
  end
end

local function implied_status(cancel, plan, started, queued, running, dead)
  if cancel then
    return running > 0 and 'cancelling' or 'cancelled'
  elseif plan == 'dead' then
    return 'failed'
  elseif queued + running == 0 then
    return dead > 0 and 'failed' or 'succeeded'
  elseif plan ~= 'succeeded' then
    return 'planning'
  end
  return started and 'running' or 'queued'
end

-- Move an experiment to the status that its counts imply. A final status stays until somebody asks for another.
local function settle(experiment)
  local at = experiment_key(experiment)
  local status, cancel, plan, started, queued, running, dead =
    unpack(redis.call('HMGET', at, 'status', 'cancel', 'plan', 'started', 'queued', 'running', 'dead'))
  local wanted = implied_status(
    cancel == '1', plan, started == '1', tonumber(queued), tonumber(running), tonumber(dead))
  if not FINAL[status] and wanted ~= status then
    move_experiment(experiment, wanted)
  end
end

local function job_of(id)
  local at = key('job', id)
  local state, token, kind, queue, experiment, counted, work, fraction, failures, losses, error, ended_by, claim_id =
    unpack(redis.call('HMGET', at, 'state', 'token', 'kind', 'queue', 'experiment', 'counted', 'work', 'fraction',
      'failures', 'losses', 'error', 'ended_by', 'claim_id'))
  if not state then
    return nil
  end
  return {
    id = id, at = at, state = state, token = token, kind = kind, queue = queue, experiment = experiment,
    is_counted = counted == '1', is_weighed = counted == '1' and kind ~= 'plan', work = tonumber(work),
    fraction = tonumber(fraction), failures = tonumber(failures), losses = tonumber(losses), error = error,
    ended_by = ended_by, claim_id = claim_id,
  }
end

-- The job, if the token is the current one of a running attempt; its lease is renewed.
local function held(id, token, lease_seconds)
  local job = job_of(id)
  if not job or job.state ~= 'running' or job.token ~= token then
    return nil
  end
  redis.call('ZADD', key('leases'), now + lease_seconds, id)
  return job
end

-- The job, if this same call has ended this same attempt before: its reply was lost, and it comes again.
local function ended(id, token, call)
  local job = job_of(id)
  return job and job.token == token and job.ended_by == call and job or nil
end

local function is_cancelled(job)
  return job.is_counted and redis.call('HGET', experiment_key(job.experiment), 'cancel') == '1'
end

local function announce(job)
  redis.call('ZADD', key('queued', job.queue), now, job.id)
end

-- The queue of the message to send, if the job is queued.
local function message_of(job)
  return job.state == 'queued' and job.queue
end

local function report(job, fraction)
  if job.is_weighed and fraction ~= job.fraction then
    local change = (fraction - job.fraction) * job.work
    redis.call('HINCRBYFLOAT', experiment_key(job.experiment), 'work_running', change)
  end
  redis.call('HSET', job.at, 'fraction', fraction)
  job.fraction = fraction
end

local function start_pace(at)
  if redis.call('HEXISTS', at, 'started_at') == 0 then
    local done, running = unpack(redis.call('HMGET', at, 'work_done', 'work_running'))
    redis.call('HSET', at, 'started_at', now, 'work_at_start', tonumber(done) + tonumber(running))
  end
end

local function count(job, before, state)
  local at = experiment_key(job.experiment)
  redis.call('HINCRBY', at, before, -1)
  redis.call('HINCRBY', at, state, 1)
  if job.kind == 'plan' then
    redis.call('HSET', at, 'plan', state)
  elseif state == 'succeeded' then
    redis.call('HINCRBYFLOAT', at, 'work_done', job.work)
  elseif state == 'running' then
    redis.call('HSET', at, 'started', '1')
    start_pace(at)
  end
  if state == 'dead' then
    redis.call('HSETNX', at, 'error', job.error)
  end
  settle(job.experiment)
end

-- Move a job, and let its experiment count it.
local function enter(job, state)
  local before = job.state
  job.state = state
  redis.call('HSET', job.at, 'state', state)
  if before == 'queued' then
    redis.call('ZREM', key('queued', job.queue), job.id)
  elseif before == 'running' then
    redis.call('ZREM', key('leases'), job.id)
    report(job, 0)
  end
  if state == 'queued' then
    announce(job)
  elseif state == 'succeeded' or state == 'cancelled' then
    redis.call('UNLINK', key('job', job.id, 'checkpoint'))
  end
  if job.is_counted then
    count(job, before, state)
  end
end

-- Where a job goes from an attempt that failed or was lost.
local function after_attempt(job, max_attempts)
  if is_cancelled(job) then
    return 'cancelled'
  end
  return job.failures + job.losses >= max_attempts and 'dead' or 'queued'
end

-- Record a job that nobody has recorded before.
local function record_job(job, payload)
  redis.call('HSET', job.at, 'kind', job.kind, 'queue', job.queue, 'experiment', job.experiment, 'state', job.state,
    'payload', payload, 'work', job.work, 'counted', job.is_counted and '1' or '0', 'fraction', 0, 'attempt', 0,
    'failures', 0, 'losses', 0, 'token', job.token)
  if job.state == 'queued' then
    announce(job)
  end
end

-- Count a stored run, unless it is counted already: 1 if it was new, else 0.
local function count_run(experiment, index, outcome)
  if redis.call('SETBIT', key('experiment', experiment, 'done'), index, 1) == 1 then
    return 0
  end
  local at = experiment_key(experiment)
  redis.call('HINCRBY', at, 'runs_done', 1)
  redis.call('HINCRBY', at, 'outcome:' .. outcome, 1)
  redis.call('HSET', at, 'started', '1')
  return 1
end
