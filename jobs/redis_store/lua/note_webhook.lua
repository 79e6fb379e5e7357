#!lua flags=allow-oom
-- What came of an attempt at telling an end, unless a later one has begun or there was another end since.
-- ARGV: experiment id, when it ended, number of the attempt, status of the answer or nothing, state, seconds until the next
-- attempt where it is pending.
local id, finished_at, attempt, status, state, seconds = unpack(ARGV)
local at = key('experiment', id, 'webhook')
local experiment = experiment_of(id)
if not experiment or experiment.finished_at ~= finished_at or telling_of(at) ~= tonumber(attempt) then
  return 0
end
note_telling(at, 'state', state, 'last_status', status)
if state == 'pending' then
  tell_end(experiment, now + seconds)
else
  redis.call('ZREM', of_owner(key('webhooks'), experiment.owner), id)
end
return 1
