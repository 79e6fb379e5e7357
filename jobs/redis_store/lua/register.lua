#!lua flags=allow-oom
-- A worker lives. ARGV: seconds, its name, its numerics version, how many of its processes are idle, what hosts it tells, how many processes it has, its kernel, each of its queues.
local seconds, name, numerics, idle, tells, processes, kernel = unpack(ARGV)
redis.call('HSET', key('worker', name), 'numerics', numerics, 'idle', idle, 'tells', tells, 'processes', processes, 'kernel', kernel)
redis.call('PEXPIRE', key('worker', name), math.ceil(seconds * 1000))
for i = 8, #ARGV do
  local workers = key('workers', ARGV[i])
  redis.call('ZREMRANGEBYSCORE', workers, '-inf', now)
  redis.call('ZADD', workers, now + seconds, name)
end
return 1
