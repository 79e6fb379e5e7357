#!lua flags=allow-oom
-- An attempt ended in an error. ARGV: job id, token, lease in seconds, most attempts, error.
-- Answers: the queue of the message to send, or nothing.
local job = ended(ARGV[1], ARGV[2], 'fail')
if job then
  return message_of(job)
end
job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
job.failures = job.failures + 1
job.error = ARGV[5]
redis.call('HSET', job.at, 'ended_by', 'fail', 'failures', job.failures, 'error', job.error)
enter(job, after_attempt(job, tonumber(ARGV[4])))
return message_of(job)
