#!lua flags=allow-oom
-- What came of an attempt at telling an end, unless a later one has begun or there was another end since.
-- ARGV: experiment id, when it ended, number of the attempt, status of the answer or nothing, state, seconds until the next
-- attempt where it is pending.
local id, finished_at, attempt, status, state, seconds = unpack(ARGV)
local at = key('experiment', id, 'webhook')
local is_same = redis.call('HGET', experiment_key(id), 'finished_at') == finished_at
if not is_same or redis.call('HGET', at, 'attempts') ~= attempt then
  return 0
end
redis.call('HSET', at, 'state', state, 'last_status', status)
if state == 'pending' then
  redis.call('ZADD', key('webhooks'), now + seconds, id)
else
  redis.call('ZREM', key('webhooks'), id)
end
return 1
