#!lua flags=allow-oom
-- Take ends that are to be told now: each is another caller's after so many seconds, if this one has not said what came
-- of it, and given up after so many attempts of which nobody has said so. ARGV: most, seconds, most attempts.
-- Answers: for each the experiment's id, the address, when it ended, the number of the attempt.
local most, seconds, most_attempts = unpack(ARGV)
local due = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('webhooks'), '-inf', now, 'LIMIT', 0, most)) do
  local experiment, at = not is_hopeless(id) and experiment_of(id), key('experiment', id, 'webhook')
  local attempt = number_of(redis.call('HGET', at, 'attempts'), 0) + 1
  if not experiment or not experiment.finished_at or not experiment.webhook then
    redis.call('ZREM', key('webhooks'), id)
  elseif attempt > tonumber(most_attempts) then
    redis.call('ZREM', key('webhooks'), id)
    redis.call('HSET', at, 'state', 'given_up')
  else
    redis.call('ZADD', key('webhooks'), now + seconds, id)
    redis.call('HSET', at, 'attempts', attempt)
    for _, value in ipairs({ id, experiment.webhook, experiment.finished_at, tostring(attempt) }) do
      table.insert(due, value)
    end
  end
end
return due
