#!lua
-- Keep a checkpoint in place of the one before. ARGV: job id, token, lease in seconds, checkpoint.
if not held(ARGV[1], ARGV[2], ARGV[3]) then
  return LEASE_LOST
end
redis.call('SET', key('job', ARGV[1], 'checkpoint'), ARGV[4])
return 1
