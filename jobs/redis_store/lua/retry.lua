#!lua flags=allow-oom
-- Queue the dead jobs of a failed experiment again. ARGV: experiment id, id of this request.
-- Answers: the job id and the queue of each message to send.
local id, request = unpack(ARGV)
local at = experiment_key(id)
local status, last_request, plan, running = unpack(redis.call('HMGET', at, 'status', 'retry_id', 'plan', 'running'))
if not status then
  return NOT_FOUND
end
-- The same request again: its reply was lost.
local is_repeated = last_request == request
if status ~= 'failed' and not is_repeated then
  return redis.error_reply('ILLEGALMOVE ' .. status .. ' queued')
end

local messages = {}
for _, job_id in ipairs(redis.call('LRANGE', key('experiment', id, 'jobs'), 0, -1)) do
  local job = job_of(job_id)
  if job.state == 'dead' and not is_repeated then
    redis.call('HSET', job.at, 'attempt', 0, 'failures', 0, 'losses', 0)
    redis.call('HDEL', job.at, 'error')
    enter(job, 'queued')
  end
  if job.state == 'queued' then
    announce(job)
    table.insert(messages, job.id)
    table.insert(messages, job.queue)
  end
end
if not is_repeated then
  redis.call('HDEL', at, 'error', 'started_at')
  redis.call('HSET', at, 'retry_id', request, 'started', tonumber(running) > 0 and '1' or '0')
  move_experiment(id, plan == 'succeeded' and 'queued' or 'planning')
end
return messages
