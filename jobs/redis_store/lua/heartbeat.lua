#!lua flags=allow-oom
-- Renew the lease and report. ARGV: job id, token, lease in seconds, fraction done.
-- Answers: 1, or 0 if the experiment is being cancelled.
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
report(job, tonumber(ARGV[4]))
return is_cancelled(job) and 0 or 1
