#!lua flags=allow-oom
-- RUNNING -> SUCCEEDED. ARGV: job id, token, lease in seconds.
if ended(ARGV[1], ARGV[2], 'complete') then
  return 1
end
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
redis.call('HSET', job.at, 'ended_by', 'complete')
enter(job, 'succeeded')
return 1
