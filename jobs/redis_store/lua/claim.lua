#!lua flags=allow-oom
-- QUEUED -> RUNNING: the first waiting job of the experiment whose turn ends first, of the owner whose turn does.
-- ARGV: queue, numerics version, worker, lease in seconds. Answers: the job's id, its token, its fields; or nothing.
local MOST_COUNTED = 64
local queue, numerics, worker, lease_seconds = unpack(ARGV)
local line = turns_key(queue, numerics, false)

-- The first in a line, and the virtual time at which its turn ends.
local function first_of(at)
  local who, ends = unpack(redis.call('ZRANGE', at, 0, 0, 'WITHSCORES'))
  return who, virtual_time(ends)
end

-- The next turn of one priority: of the owner whose turn ends first, and of its experiments; nothing where none waits.
local function next_turn(is_background)
  local turns = turns_key(queue, numerics, is_background)
  local owner, owner_ends = first_of(owners_key(turns))
  if not owner then
    return nil
  end
  local flow, ends = first_of(of_owner(turns, owner))
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
    stop_flow(turns, queue, owner, flow)
    redis.call('ZREM', backlog, waiting or '')
    damaged(id)
  end
  return {
    turns = turns, owner = owner, owner_ends = owner_ends, flow = flow, ends = ends, id = id, backlog = backlog, job = job,
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

-- The work that waits, a whole turn at most; where jobs are tiny, that of the first of them.
local function work_of_turn(backlog)
  local work = 0
  for _, id in ipairs(redis.call('ZRANGE', backlog, 0, MOST_COUNTED - 1)) do
    work = work < TURN_SECONDS and work + number_of(call('HGET', key('job', id), 'work'), 0) or work
  end
  return math.min(work, TURN_SECONDS)
end

-- Owner and experiment have been served the job's work more. A turn that is over is followed by another one.
local job, at, owners, flows = turn.job, experiment_key(turn.id), owners_key(turn.turns), of_owner(turn.turns, turn.owner)
local served = served_until(redis.call('HGET', at, 'served:' .. queue), turn.ends) + job.work
local owner_served = served_until(redis.call('HGET', owners .. ':served', turn.owner), turn.owner_ends) + job.work
note_turn(owners, turn.owner_ends)
note_turn(flows, turn.ends)
redis.call('HSET', owners .. ':served', turn.owner, owner_served)
redis.call('HSET', at, 'served:' .. queue, served)
redis.call('ZREM', turn.backlog, job.id)
if redis.call('EXISTS', turn.backlog) == 0 then
  redis.call('ZREM', flows, turn.flow)
elseif served >= turn.ends then
  redis.call('ZADD', flows, served + work_of_turn(turn.backlog), turn.flow)
end
place_owner(turn.turns, queue, turn.owner)

redis.call('SET', line .. ':since', now)
redis.call('HINCRBY', job.at, 'token', 1)
redis.call('HINCRBY', job.at, 'attempt', 1)
redis.call('HSET', job.at, 'worker', worker)
redis.call('HDEL', job.at, 'is_heard')
enter(job, 'running')
redis.call('ZADD', key('leases'), now + lease_seconds, job.id)
return { job.id, tonumber(redis.call('HGET', job.at, 'token')), redis.call('HGETALL', job.at) }
