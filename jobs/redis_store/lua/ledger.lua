-- What every script begins with: the store's clock, the names of its keys, and how a job's move changes what its
-- experiment counts. The twin of jobs/memory/ledger.py.
--
-- Keys are made from ids inside the scripts, so this is for one server and its replicas, not for a cluster. Scripts check
-- before they write: what is refused has changed nothing.

local clock = redis.call('TIME')
local now = tonumber(clock[1]) + tonumber(clock[2]) / 1000000

local QUEUES = { 'interactive', 'batch' }
local ENDED_FIGURE_SECONDS = 86400
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

-- An experiment's queued training jobs in one queue, in the order in which they were recorded.
local function line_key(experiment, queue)
  return key('experiment', experiment, 'line', queue)
end

-- An experiment among those that take turns: in the order of creation where their virtual times are equal.
local function turn_of(experiment)
  return string.format('%015d:%s', tonumber(redis.call('HGET', experiment_key(experiment), 'number')), experiment)
end

-- An experiment with a line takes turns, unless it has failed: then its line waits for somebody to retry it. It starts
-- from the virtual time at which the last turn was taken: served at once, but with no claim to the time it was not there.
local function take_turns(experiment, queue)
  local at = experiment_key(experiment)
  if redis.call('EXISTS', line_key(experiment, queue)) == 0 or redis.call('HGET', at, 'status') == 'failed' then
    return
  end
  local served = tonumber(redis.call('HGET', at, 'served:' .. queue) or 0)
  local start = math.max(served, tonumber(redis.call('GET', key('turns', queue, 'now')) or 0))
  redis.call('ZADD', key('turns', queue), 'NX', start, turn_of(experiment))
end

local function stop_taking_turns(experiment)
  for _, queue in ipairs(QUEUES) do
    redis.call('ZREM', key('turns', queue), turn_of(experiment))
  end
end

-- All of an experiment's lines at once: it may have ten thousand jobs in them.
local function drop_lines(experiment)
  stop_taking_turns(experiment)
  for _, queue in ipairs(QUEUES) do
    redis.call('UNLINK', line_key(experiment, queue))
  end
end

local function line_up(job)
  local line = line_key(job.experiment, job.queue)
  redis.call('ZADD', line, job.number, job.id)
  if redis.call('ZCARD', line) == 1 then
    take_turns(job.experiment, job.queue)
  end
end

-- The training job whose turn it is: the first in the line of the experiment that has been served least.
local function whose_turn(queue)
  local turn = redis.call('ZRANGE', key('turns', queue), 0, 0)[1]
  return turn and redis.call('ZRANGE', line_key(string.match(turn, ':(.*)'), queue), 0, 0)[1]
end

-- The job's experiment takes its turn, and has been served the job's work more.
local function take_turn(job)
  local turns, turn = key('turns', job.queue), turn_of(job.experiment)
  local line = line_key(job.experiment, job.queue)
  local virtual_now = tonumber(redis.call('ZSCORE', turns, turn))
  local served = virtual_now + job.work
  redis.call('SET', key('turns', job.queue, 'now'), virtual_now)
  redis.call('HSET', experiment_key(job.experiment), 'served:' .. job.queue, served)
  redis.call('ZREM', line, job.id)
  if redis.call('EXISTS', line) == 1 then
    redis.call('ZADD', turns, served, turn)
  else
    redis.call('ZREM', turns, turn)
  end
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
  if status == 'failed' then
    stop_taking_turns(experiment)
  elseif before == 'failed' then
    for _, queue in ipairs(QUEUES) do
      take_turns(experiment, queue)
    end
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
  local state, token, kind, queue, experiment, counted, work, fraction, failures, losses, error, ended_by, claim_id,
    number =
    unpack(redis.call('HMGET', at, 'state', 'token', 'kind', 'queue', 'experiment', 'counted', 'work', 'fraction',
      'failures', 'losses', 'error', 'ended_by', 'claim_id', 'number'))
  if not state then
    return nil
  end
  return {
    id = id, at = at, state = state, token = token, kind = kind, queue = queue, experiment = experiment,
    is_counted = counted == '1', is_weighed = counted == '1' and kind ~= 'plan',
    takes_turns = counted == '1' and kind == 'train', number = number, work = tonumber(work),
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

-- A job has become queued.
local function begin_to_wait(job)
  announce(job)
  if job.takes_turns then
    line_up(job)
  end
end

-- A queued job has been claimed.
local function end_waiting(job)
  redis.call('ZREM', key('queued', job.queue), job.id)
  if job.takes_turns then
    take_turn(job)
  end
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
    end_waiting(job)
  elseif before == 'running' then
    redis.call('ZREM', key('leases'), job.id)
    report(job, 0)
  end
  if state == 'queued' then
    begin_to_wait(job)
  elseif state == 'succeeded' or state == 'cancelled' then
    redis.call('UNLINK', key('job', job.id, 'checkpoint'))
  end
  if job.is_counted then
    count(job, before, state)
  elseif state == 'queued' or state == 'running' then
    redis.call('PERSIST', job.at)
  else
    -- Nobody lists a figure's job: its record must not outlive what anybody still asks of it.
    redis.call('EXPIRE', job.at, ENDED_FIGURE_SECONDS)
  end
end

-- Where a job goes from an attempt that failed or was lost.
local function after_attempt(job, max_attempts)
  if is_cancelled(job) then
    return 'cancelled'
  end
  return job.failures + job.losses >= max_attempts and 'dead' or 'queued'
end

-- Record a job that nobody has recorded before; `number` is its place among the jobs of its experiment.
local function record_job(job, payload)
  redis.call('HSET', job.at, 'kind', job.kind, 'queue', job.queue, 'experiment', job.experiment, 'state', job.state,
    'payload', payload, 'work', job.work, 'counted', job.is_counted and '1' or '0', 'fraction', 0, 'attempt', 0,
    'failures', 0, 'losses', 0, 'token', job.token, 'number', job.number)
  if job.state == 'queued' then
    begin_to_wait(job)
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
