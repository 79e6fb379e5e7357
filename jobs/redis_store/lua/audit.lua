#!lua flags=allow-oom
-- Look whether what is counted of experiments agrees with what lies beside it: some, in turn, and some that are at work.
-- ARGV: how many of each, numerics version of who asks: what others have finished is left as it is.
local most, numerics = tonumber(ARGV[1]), ARGV[2]
local leases

-- How many jobs of an experiment have a lease.
local function leases_of(id)
  if not leases then
    leases = {}
    for _, job in ipairs(redis.call('ZRANGE', key('leases'), 0, -1)) do
      local its = string.match(job, '^[^.]*')
      leases[its] = (leases[its] or 0) + 1
    end
  end
  return leases[id] or 0
end

local function is_listed(experiment)
  for _, list in ipairs(lists_of(experiment)) do
    if number_of(redis.call('ZSCORE', list, experiment.id)) ~= experiment.number then
      return false
    end
  end
  return true
end

-- Whether an experiment takes its turns if, and only if, it has a backlog to be worked off; and how much waits there.
local function turns_of(experiment)
  local waiting, is_served = 0, true
  for _, queue in ipairs(QUEUES) do
    local jobs = redis.call('ZCARD', backlog_key(experiment.id, queue))
    local owners = owners_key(turns_key(queue, experiment.numerics, experiment.is_background))
    local flow = redis.call('ZSCORE', flows_key(queue, experiment), flow_of(experiment))
    is_served = is_served and (jobs > 0 and not ending_of(experiment)) == (flow ~= false)
      and (not flow or redis.call('ZSCORE', owners, experiment.owner) ~= false)
    waiting = waiting + jobs
  end
  return is_served, waiting
end

local function agrees(experiment)
  local id, is_ended = experiment.id, ending_of(experiment) and true or false
  local done, succeeded, cancelled = unpack(redis.call('HMGET', experiment.at, 'runs_done', 'succeeded', 'cancelled'))
  local jobs = experiment.queued + experiment.running + tonumber(succeeded) + experiment.dead + tonumber(cancelled)
  local is_served, waiting = turns_of(experiment)
  return is_served
    and redis.call('LLEN', key('experiment', id, 'jobs')) == jobs
    and redis.call('SCARD', key('experiment', id, 'dead')) == experiment.dead
    and redis.call('BITCOUNT', key('experiment', id, 'done')) == tonumber(done)
    and (experiment.is_cancelled or waiting == experiment.queued)
    and leases_of(id) == experiment.running
    and is_listed(experiment)
    and is_ended == (redis.call('ZSCORE', key('finished'), id) ~= false)
    and is_ended ~= (redis.call('ZSCORE', key('unfinished', experiment.numerics), id) ~= false)
end

-- An end that is to be told stands in the line of its owner, who takes turns, and is due before the longest pause is over:
-- later it is where a bit has changed, or the clock was set back.
local LONGEST_PAUSE = 3600

local function renote_end(experiment)
  if not experiment.webhook or not experiment.finished_at then
    return
  end
  local due = redis.call('ZSCORE', of_owner(key('webhooks'), experiment.owner), experiment.id)
  local is_noted = due and number_of(due, 2 * now) <= now + LONGEST_PAUSE
    and redis.call('ZSCORE', key('webhooks', 'owners'), experiment.owner)
  local _, state = telling_of(key('experiment', experiment.id, 'webhook'))
  if not is_noted and state == 'pending' then
    tell_end(experiment, now)
  end
end

local function audit(id, index)
  if is_hopeless(id) then
    redis.call('ZADD', key('damaged'), now, 'record of experiment ' .. id)
    return
  end
  local experiment = experiment_of(id)
  if not experiment then
    redis.call('ZREM', index, id)
    return
  end
  renote_end(experiment)
  if experiment.numerics ~= numerics and ending_of(experiment) then
    return
  elseif not agrees(experiment) then
    damaged(id)
  elseif not birth_of(id) then
    save_birth(id)
  end
  for _, ids in ipairs(indices_of(experiment, 'ids')) do
    redis.call('ZADD', ids, 0, id)
  end
  redis.call('SADD', key('numerics'), experiment.numerics)
end

for _, version in ipairs(redis.call('SMEMBERS', key('numerics'))) do
  for _, id in ipairs(redis.call('ZRANDMEMBER', key('unfinished', version), most)) do
    audit(id, key('unfinished', version))
  end
end
local last = number_of(redis.call('GET', key('audit')), 0)
local members = redis.call('ZRANGE', key('experiments'), '(' .. last, '+inf', 'BYSCORE', 'LIMIT', 0, most, 'WITHSCORES')
redis.call('SET', key('audit'), #members < 2 * most and 0 or members[#members])
for i = 1, #members, 2 do
  audit(members[i], key('experiments'))
end
return 1
