#!lua
-- Record an experiment and its planning job, unless an equal one is active, and not being cancelled, or has succeeded.
-- ARGV: id, plan job id, content hash, name, tags as JSON, runs, spec, tag...
-- Answers: 1 if the experiment is new else 0, its id, its record.
local id, plan_id, content_hash, name, tags, runs, spec = unpack(ARGV, 1, 7)

-- The hash has a fixed length, so that no two pairs of hash and name share a field.
local field = content_hash .. ':' .. name
local known = redis.call('HGET', key('current'), field)
if known then
  local status = redis.call('HGET', experiment_key(known), 'status')
  if known == id or (status and status ~= 'failed' and status ~= 'cancelling' and status ~= 'cancelled') then
    return { known == id and 1 or 0, known, record_of(known) }
  end
end

local at = experiment_key(id)
local number = redis.call('INCR', key('experiments', 'number'))
redis.call('SET', key('experiment', id, 'spec'), spec)
redis.call('HSET', at, 'number', number, 'name', name, 'tags', tags, 'content_hash', content_hash, 'created_at', now,
  'runs_total', runs, 'runs_done', 0, 'runs_reused', 0, 'plan', 'queued', 'queued', 1, 'running', 0, 'succeeded', 0,
  'dead', 0, 'cancelled', 0, 'work_total', 0, 'work_done', 0, 'work_running', 0, 'work_at_start', 0)
record_job({
  id = plan_id, at = key('job', plan_id), kind = 'plan', queue = 'interactive', experiment = id, state = 'queued',
  is_counted = true, number = 1, work = 1, token = 0,
}, '{}')
redis.call('RPUSH', key('experiment', id, 'jobs'), plan_id)
redis.call('HSET', key('current'), field, id)
redis.call('ZADD', key('experiments'), number, id)
redis.call('ZADD', key('experiments', 'name', name), number, id)
for i = 8, #ARGV do
  redis.call('ZADD', key('experiments', 'tag', ARGV[i]), number, id)
end
move_experiment(id, 'planning')
return { 1, id, record_of(id) }
