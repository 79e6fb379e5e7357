#!lua flags=allow-oom
-- Renew the lease and report. ARGV: job id, token, lease in seconds, fraction done.
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
report(job, tonumber(ARGV[4]))
return 1
