#!lua flags=allow-oom
-- QUEUED -> RUNNING: the first waiting job of the experiment that has been served least, of the owner that has.
-- ARGV: queue, numerics version, worker, lease in seconds. Answers: the job's id, its token, its fields; or nothing.
local LATEST = 1e15 -- No turn is so late, and no number that people count with is lost behind it.
local queue, numerics, worker, lease_seconds = unpack(ARGV)
local line = turns_key(queue, numerics, false)

-- The first in a line, and the virtual time at which its turn begins.
local function first_of(at)
  local who, virtual_now = unpack(redis.call('ZRANGE', at, 0, 0, 'WITHSCORES'))
  virtual_now = number_of(virtual_now, 0)
  return who, virtual_now > LATEST and 0 or virtual_now
end

-- The next turn of one priority: of the owner that has been served least, and of its experiments; nothing where none waits.
local function next_turn(is_background)
  local turns = turns_key(queue, numerics, is_background)
  local owner, owner_now = first_of(owners_key(turns))
  if not owner then
    return nil
  end
  local flow, virtual_now = first_of(of_owner(turns, owner))
  if not flow then
    -- It is not what was written.
    redis.call('ZREM', owners_key(turns), owner)
    return next_turn(is_background)
  end
  local id = string.match(flow, ':(.*)') or ''
  local backlog = backlog_key(id, queue)
  local waiting = redis.call('ZRANGE', backlog, 0, 0)[1]
  local job, experiment = waiting and job_of(waiting), experiment_of(id)
  local is_waiting = job and job.state == 'queued' and job.experiment == id and job.queue == queue
  if not is_waiting or not experiment then
    -- One of the two names is not what was written: nothing is called so, or something else.
    stop_flow(turns, owner, flow)
    redis.call('ZREM', backlog, waiting or '')
    damaged(id)
  end
  return {
    turns = turns, owner = owner, owner_now = owner_now, flow = flow, virtual_now = virtual_now, id = id, backlog = backlog,
    job = job,
  }
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

local turn = choose(next_turn(false), next_turn(true))
if not turn then
  return false
end

-- Owner and experiment take their turn, and have been served the job's work more.
local job, owners, flows = turn.job, owners_key(turn.turns), of_owner(turn.turns, turn.owner)
local served, owner_served = turn.virtual_now + job.work, turn.owner_now + job.work
redis.call('SET', owners .. ':now', turn.owner_now)
redis.call('HSET', owners .. ':served', turn.owner, owner_served)
redis.call('ZADD', owners, owner_served, turn.owner)
redis.call('SET', flows .. ':now', turn.virtual_now)
redis.call('HSET', experiment_key(turn.id), 'served:' .. queue, served)
redis.call('ZADD', flows, served, turn.flow)
redis.call('ZREM', turn.backlog, job.id)
if redis.call('EXISTS', turn.backlog) == 0 then
  stop_flow(turn.turns, turn.owner, turn.flow)
end

redis.call('SET', line .. ':since', now)
redis.call('HINCRBY', job.at, 'token', 1)
redis.call('HINCRBY', job.at, 'attempt', 1)
redis.call('HSET', job.at, 'worker', worker)
redis.call('HDEL', job.at, 'is_heard')
enter(job, 'running')
redis.call('ZADD', key('leases'), now + lease_seconds, job.id)
return { job.id, tonumber(redis.call('HGET', job.at, 'token')), redis.call('HGETALL', job.at) }
