#!lua flags=allow-oom
-- An attempt ended because its worker was told to stop, or its experiment was cancelled.
-- ARGV: job id, token, lease in seconds. Answers: the queue of the message to send, or nothing.
local job = ended(ARGV[1], ARGV[2], 'hand_back')
if job then
  return message_of(job)
end
job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
redis.call('HSET', job.at, 'ended_by', 'hand_back')
enter(job, is_cancelled(job) and 'cancelled' or 'queued')
return message_of(job)
