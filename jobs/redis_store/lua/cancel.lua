#!lua flags=allow-oom
-- Set the cancel flag and cancel the queued jobs. ARGV: experiment id. Answers: its record.
local id = ARGV[1]
local at = experiment_key(id)
local status = redis.call('HGET', at, 'status')
if not status then
  return NOT_FOUND
end
if FINAL[status] or redis.call('HGET', at, 'cancel') == '1' then
  return record_of(id)
end

redis.call('HSET', at, 'cancel', '1')
local cancelled = 0
for _, job_id in ipairs(redis.call('LRANGE', key('experiment', id, 'jobs'), 0, -1)) do
  local job_at = key('job', job_id)
  local state, queue, kind, attempt = unpack(redis.call('HMGET', job_at, 'state', 'queue', 'kind', 'attempt'))
  if state == 'queued' then
    redis.call('HSET', job_at, 'state', 'cancelled')
    redis.call('ZREM', key('queued', queue), job_id)
    if attempt ~= '0' then
      redis.call('UNLINK', key('job', job_id, 'checkpoint'))
    end
    if kind == 'plan' then
      redis.call('HSET', at, 'plan', 'cancelled')
    end
    cancelled = cancelled + 1
  end
end
drop_lines(id)
-- Counted once and not job by job: an experiment may have a hundred thousand of them.
redis.call('HINCRBY', at, 'queued', -cancelled)
redis.call('HINCRBY', at, 'cancelled', cancelled)
settle(id)
return record_of(id)
