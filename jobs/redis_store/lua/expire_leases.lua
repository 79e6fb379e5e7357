#!lua flags=allow-oom
-- End the attempts whose lease has run out. ARGV: most attempts, most leases to look at.
-- Answers: the job id and the queue of each message to send.
local function times(number)
  return number == 1 and 'once' or number .. ' times'
end

local function loss_error(job)
  local sentence = 'its worker disappeared ' .. times(job.losses) .. ' (killed, out of memory, or cut off from the store)'
  if job.failures == 0 then
    return sentence
  end
  return sentence .. '; before that it failed ' .. times(job.failures) .. ': ' .. job.error
end

local messages = {}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('leases'), '-inf', now, 'LIMIT', 0, ARGV[2])) do
  local job = job_of(id)
  job.losses = job.losses + 1
  redis.call('HSET', job.at, 'losses', job.losses)
  local state = after_attempt(job, tonumber(ARGV[1]))
  if state == 'dead' then
    job.error = loss_error(job)
    redis.call('HSET', job.at, 'error', job.error)
  end
  enter(job, state)
  if state == 'queued' then
    table.insert(messages, id)
    table.insert(messages, job.queue)
  end
end
return messages
