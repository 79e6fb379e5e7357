#!lua flags=no-writes
-- Where an experiment waits for a turn. ARGV: id, how many of those before it are looked at.
-- Answers: for each queue in which it waits: its name, how many experiments of its priority have a turn before it, and how many seconds of
-- work on one core they are given until then, by those that were looked at.
local experiment, most = experiment_of(ARGV[1]), tonumber(ARGV[2])
if not experiment then
  return NOT_FOUND
end

-- One that has been served less takes turns until it has been served as much, and one more where it comes first then.
local function given_to(other, queue, virtual_time, mine)
  local backlog = backlog_key(other.id, queue)
  local job = job_of(redis.call('ZRANGE', backlog, 0, 0)[1] or '')
  if not job then
    return 0
  end
  local turns = (mine - virtual_time) / job.work
  turns = flow_of(other) < flow_of(experiment) and math.floor(turns) + 1 or math.ceil(turns)
  return math.min(turns, redis.call('ZCARD', backlog)) * job.work
end

local places = {}
for _, queue in ipairs(QUEUES) do
  local flows, flow = flows_key(queue, experiment.numerics, experiment.is_background), flow_of(experiment)
  local ahead = redis.call('ZRANK', flows, flow)
  if ahead then
    local mine, work = tonumber(redis.call('ZSCORE', flows, flow)), 0
    local looked_at = math.min(ahead, most)
    local before = looked_at > 0 and redis.call('ZRANGE', flows, 0, looked_at - 1, 'WITHSCORES') or {}
    for i = 1, #before, 2 do
      local other = experiment_of(string.match(before[i], ':(.*)'))
      work = work + (other and given_to(other, queue, tonumber(before[i + 1]), mine) or 0)
    end
    for _, value in ipairs({ queue, ahead, looked_at > 0 and work * ahead / looked_at or 0 }) do
      table.insert(places, tostring(value))
    end
  end
end
return places
