#!lua flags=allow-oom
-- Take ends that are to be told now: each is another caller's after so many seconds, if this one has not said what came
-- of it. ARGV: most, seconds. Answers: for each the experiment's id, the address, when it ended, the number of the attempt.
local most, seconds = unpack(ARGV)
local due = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('webhooks'), '-inf', now, 'LIMIT', 0, most)) do
  local experiment = not is_hopeless(id) and experiment_of(id)
  if not experiment or not experiment.finished_at or not experiment.webhook then
    redis.call('ZREM', key('webhooks'), id)
  else
    redis.call('ZADD', key('webhooks'), now + seconds, id)
    local attempt = number_of(redis.call('HGET', key('experiment', id, 'webhook'), 'attempts'), 0) + 1
    redis.call('HSET', key('experiment', id, 'webhook'), 'attempts', attempt)
    for _, value in ipairs({ id, experiment.webhook, experiment.finished_at, tostring(attempt) }) do
      table.insert(due, value)
    end
  end
end
return due
