#!lua flags=no-writes
-- Where an experiment waits for a turn. ARGV: id, how many of those before it are looked at.
-- Answers: for each queue in which it waits: its name, how many experiments of its priority have a turn before it, and how many seconds of
-- work on one core they are given until then, by those that were looked at.
local experiment, most = experiment_of(ARGV[1]), tonumber(ARGV[2])
if not experiment then
  return NOT_FOUND
end

local ROUNDING = 1e-9 -- of sums of work: what is equal but for this is equal.

-- The first `count` in a line: who, the virtual time at which their turn ends, what is left of it, the work of the next job, and of all
-- that wait by that.
local function first_of(flows, queue, count)
  local members, found = count > 0 and redis.call('ZRANGE', flows, 0, count - 1, 'WITHSCORES') or {}, {}
  for i = 1, #members, 2 do
    local id, ends = string.match(members[i], ':(.*)') or '', virtual_time(members[i + 1])
    local backlog = backlog_key(id, queue)
    local job = job_of(redis.call('ZRANGE', backlog, 0, 0)[1] or '')
    local work = job and job.work or 0
    table.insert(found, { who = members[i], ends = ends, work = work, waiting = work * redis.call('ZCARD', backlog),
      left = ends - served_until(redis.call('HGET', experiment_key(id), 'served:' .. queue), ends), turn = TURN_SECONDS })
  end
  return found
end

-- So much work in whole jobs, one at least.
local function in_jobs(one, work)
  return math.max(math.ceil(work / one.work - ROUNDING), 1) * one.work
end

-- How many turns come before one that ends then, if the first ends at `ends` and they are of `work`.
local function turns_before(one, ends, work, until_then, who)
  local turns = (until_then - ends) / work
  return math.max(one.who < who and math.floor(turns + ROUNDING) + 1 or math.ceil(turns - ROUNDING), 0)
end

-- The work that one is given in turns that end before another's, or with it where it comes first then.
local function given_to(one, ends, who)
  if one.work == 0 or turns_before(one, one.ends, 1, ends, who) == 0 then
    return 0
  end
  local first, whole = in_jobs(one, one.left), in_jobs(one, one.turn)
  local begun = one.ends - one.left + first
  local given = first + whole * turns_before(one, begun + one.turn, whole, ends, who)
  -- The last turn may be a short one.
  local rest = one.waiting - given
  if rest < one.turn and turns_before(one, begun + one.waiting - first, 1, ends, who) > 0 then
    return one.waiting
  end
  return math.min(given, one.waiting)
end

-- How many of another owner's experiments have a turn before the owner's ends as late, and the work they are given.
local function taken_by(owner, owner_ends, flows, queue, count, ends)
  local looked_at, total = first_of(flows, queue, count), 0
  local all = redis.call('ZCARD', flows)
  for _, one in ipairs(looked_at) do
    total = total + one.waiting
  end
  local first = looked_at[1]
  if not first then
    return 0, 0
  end
  local whole = { who = owner, ends = owner_ends, left = first.left, work = first.work, turn = math.min(TURN_SECONDS, first.waiting),
    waiting = total * all / #looked_at }
  local given = given_to(whole, ends, experiment.owner)
  local turns, work = 0, 0
  for place, one in ipairs(looked_at) do
    local before = 0
    for i = 1, place - 1 do
      before = before + given_to(looked_at[i], one.ends, one.who)
    end
    if before >= given - ROUNDING then
      return turns, given
    end
    turns, work = turns + 1, work + (one.work > 0 and math.min(in_jobs(one, one.left), one.waiting) or 0)
  end
  -- Of those that were not looked at each takes a turn like theirs.
  return work > 0 and math.max(turns, math.min(all, math.ceil(turns * given / work))) or turns, given
end

local places = {}
for _, queue in ipairs(QUEUES) do
  local turns = turns_key(queue, experiment.numerics, experiment.is_background)
  local flows, flow, owners = flows_key(queue, experiment), flow_of(experiment), owners_key(turns)
  local ahead = redis.call('ZRANK', flows, flow)
  if ahead then
    local mine, work = virtual_time(redis.call('ZSCORE', flows, flow)), 0
    local before = first_of(flows, queue, math.min(ahead, most))
    for _, one in ipairs(before) do
      work = work + given_to(one, mine, flow)
    end
    work = #before > 0 and work * ahead / #before or 0
    local left = mine - served_until(redis.call('HGET', experiment.at, 'served:' .. queue), mine)
    local ends = virtual_time(redis.call('HGET', owners .. ':served', experiment.owner)) + work + left
    local others = redis.call('ZRANGE', owners, '-inf', string.format('%.17g', ends), 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
    local count = math.max(math.floor(2 * most / math.max(#others, 1)), 1)
    for i = 1, #others, 2 do
      local owner, owner_ends = others[i], virtual_time(others[i + 1])
      if owner ~= experiment.owner then
        local experiments, given = taken_by(owner, owner_ends, of_owner(turns, owner), queue, count, ends)
        ahead, work = ahead + experiments, work + given
      end
    end
    for _, value in ipairs({ queue, ahead, work }) do
      table.insert(places, tostring(value))
    end
  end
end
return places
