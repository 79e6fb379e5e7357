#!lua flags=no-writes
-- Where an experiment waits for a turn. ARGV: id, how many of those before it are looked at.
-- Answers: for each queue in which it waits: its name, how many experiments of its priority have a turn before it, and how many seconds of
-- work on one core they are given until then, by those that were looked at.
local experiment, most = experiment_of(ARGV[1]), tonumber(ARGV[2])
if not experiment then
  return NOT_FOUND
end

local ROUNDING = 1e-9 -- of sums of work: what is equal but for this is equal.

-- The first `count` in a line: who, how much they have been served, the work of the next job, and of all that wait by that.
local function first_of(flows, queue, count)
  local members, found = count > 0 and redis.call('ZRANGE', flows, 0, count - 1, 'WITHSCORES') or {}, {}
  for i = 1, #members, 2 do
    local backlog = backlog_key(string.match(members[i], ':(.*)') or '', queue)
    local job = job_of(redis.call('ZRANGE', backlog, 0, 0)[1] or '')
    local work = job and job.work or 0
    table.insert(found, { who = members[i], served = tonumber(members[i + 1]), work = work,
      waiting = work * redis.call('ZCARD', backlog) })
  end
  return found
end

-- The work that one takes turns of until it has been served as much as another, and one turn more where it comes first then.
local function given_to(one, served, who)
  if one.work == 0 then
    return 0
  end
  local turns = (served - one.served) / one.work
  turns = one.who < who and math.floor(turns + ROUNDING) + 1 or math.ceil(turns - ROUNDING)
  return math.min(turns * one.work, one.waiting)
end

-- How many of another owner's experiments have a turn before that owner has been served as much, and the work they are given.
local function taken_by(owner, owner_served, flows, queue, count, served)
  local looked_at, total = first_of(flows, queue, count), 0
  local all = redis.call('ZCARD', flows)
  for _, one in ipairs(looked_at) do
    total = total + one.waiting
  end
  local next_work = looked_at[1] and looked_at[1].work or 0
  local whole = { who = owner, served = owner_served, work = next_work, waiting = total * all / math.max(#looked_at, 1) }
  local given = given_to(whole, served, experiment.owner)
  local turns, work = 0, 0
  for place, one in ipairs(looked_at) do
    local before = 0
    for i = 1, place - 1 do
      before = before + given_to(looked_at[i], one.served, one.who)
    end
    if before >= given - ROUNDING then
      return turns, given
    end
    turns, work = turns + 1, work + one.work
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
    local mine, work = tonumber(redis.call('ZSCORE', flows, flow)), 0
    local before = first_of(flows, queue, math.min(ahead, most))
    for _, one in ipairs(before) do
      work = work + given_to(one, mine, flow)
    end
    work = #before > 0 and work * ahead / #before or 0
    local served = number_of(redis.call('ZSCORE', owners, experiment.owner), 0) + work
    local others = redis.call('ZRANGE', owners, '-inf', string.format('%.17g', served), 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
    local count = math.max(math.floor(2 * most / math.max(#others, 1)), 1)
    for i = 1, #others, 2 do
      local owner, owner_served = others[i], tonumber(others[i + 1])
      if owner ~= experiment.owner then
        local experiments, given = taken_by(owner, owner_served, of_owner(turns, owner), queue, count, served)
        ahead, work = ahead + experiments, work + given
      end
    end
    for _, value in ipairs({ queue, ahead, work }) do
      table.insert(places, tostring(value))
    end
  end
end
return places
