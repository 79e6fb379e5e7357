#!lua flags=allow-oom
-- A worker lives. ARGV: worker, seconds, then each of its queues.
for i = 3, #ARGV do
  local workers = key('workers', ARGV[i])
  redis.call('ZREMRANGEBYSCORE', workers, '-inf', now)
  redis.call('ZADD', workers, now + ARGV[2], ARGV[1])
end
return 1
