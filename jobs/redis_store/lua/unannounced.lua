#!lua flags=allow-oom
-- Queued jobs whose last message is old; from now on it is new. ARGV: queue, seconds, most jobs. Answers: job ids.
local queued = key('queued', ARGV[1])
local ids = redis.call('ZRANGEBYSCORE', queued, '-inf', now - ARGV[2], 'LIMIT', 0, ARGV[3])
for _, id in ipairs(ids) do
  redis.call('ZADD', queued, now, id)
end
return ids
