#!lua flags=allow-oom
-- Take ends that are to be told now: each is another caller's after so many seconds, if this one has not said what came
-- of it, and given up after so many attempts of which nobody has said so. Owners take turns, who had the last one longest ago first.
-- ARGV: most, seconds, most attempts. Answers: for each the experiment's id, the address, when it ended, the number of the attempt.
local most, seconds, most_attempts = tonumber(ARGV[1]), ARGV[2], tonumber(ARGV[3])
local owners, waiting = redis.call('ZRANGE', key('webhooks', 'owners'), 0, -1), {}
for i, owner in ipairs(owners) do
  local line = of_owner(key('webhooks'), owner)
  waiting[i] = redis.call('ZRANGEBYSCORE', line, '-inf', now, 'LIMIT', 0, most)
  if redis.call('EXISTS', line) == 0 then
    redis.call('ZREM', key('webhooks', 'owners'), owner)
  end
end

local due = {}
local function take(owner, id)
  local line, at = of_owner(key('webhooks'), owner), key('experiment', id, 'webhook')
  local experiment = not is_hopeless(id) and experiment_of(id)
  local attempt = telling_of(at) + 1
  redis.call('ZADD', key('webhooks', 'owners'), now, owner)
  if not experiment or not experiment.finished_at or not experiment.webhook then
    redis.call('ZREM', line, id)
  elseif attempt > most_attempts then
    redis.call('ZREM', line, id)
    note_telling(at, 'state', 'given_up')
  else
    redis.call('ZADD', line, now + seconds, id)
    note_telling(at, 'attempts', attempt)
    for _, value in ipairs({ id, experiment.webhook, experiment.finished_at, tostring(attempt) }) do
      table.insert(due, value)
    end
  end
end

local taken = 0
for turn = 1, most do
  for i, owner in ipairs(owners) do
    if waiting[i][turn] and taken < most then
      taken = taken + 1
      take(owner, waiting[i][turn])
    end
  end
end
return due
