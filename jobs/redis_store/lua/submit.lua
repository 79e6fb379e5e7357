#!lua
-- Record an experiment and its planning job, unless an equal one of the same numerics is active or has succeeded.
-- That one takes over the tags that it does not have, and comes sooner, for somebody else waits for it too.
-- ARGV: id, numerics version, content hash, name, tags as JSON, most tags, runs, spec, how many other fields the record has
-- (wishes, and whose it is), each by field and value, document that it uses...
-- Answers: 1 if the experiment is new else 0, its id, its record, the tags that an equal one has taken over.
local id, numerics, content_hash, name, tags, most_tags, runs, spec, others = unpack(ARGV, 1, 9)
local first_document = 10 + 2 * others
local asked = {}
for i = 10, first_document - 1, 2 do
  asked[ARGV[i]] = ARGV[i + 1]
end

-- The same id again: the reply was lost, and whatever has become of it meanwhile stays.
if redis.call('EXISTS', experiment_key(id)) == 1 then
  return { 1, id, record_of(id), {} }
end

local function take_over(experiment)
  local own = cjson.decode(redis.call('HGET', experiment.at, 'tags'))
  local new = add_tags(own, cjson.decode(tags))
  if #new > 0 then
    if #own > tonumber(most_tags) then
      return nil
    end
    redis.call('HSET', experiment.at, 'tags', cjson.encode(own))
    enlist(experiment)
    save_birth(experiment.id)
  end
  return new
end

local field = current_field(content_hash, numerics, name, asked.owner, asked.pooled)
local known = redis.call('HGET', key('current'), field)
local current = known and experiment_of(known)
if current and current.numerics == numerics and not current.is_cancelled and ending_of(current) ~= 'failed' then
  local new = take_over(current)
  if not new then
    return too_many_tags(most_tags)
  end
  if not ending_of(current) then
    ask_again(current)
  end
  return { 0, known, record_of(known), new }
end

for i = first_document, #ARGV do
  if redis.call('EXISTS', key('document', ARGV[i])) == 0 then
    return redis.error_reply('GONE ' .. ARGV[i] .. ' is not there any more')
  end
end
redis.call('SET', key('schema'), SCHEMA, 'NX')
local at = experiment_key(id)
local newest = redis.call('ZRANGE', key('experiments'), -1, -1, 'WITHSCORES')
local number = 1 + number_of(newest[2], 0)
if number > 1e15 then
  -- Somebody's number is damaged, and will be put right.
  number = 1 + redis.call('ZCARD', key('experiments'))
end
redis.call('SET', key('experiment', id, 'spec'), spec)
redis.call('HSET', at, 'number', number, 'name', name, 'tags', tags, 'content_hash', content_hash, 'created_at', now,
  'numerics', numerics, 'generation', 0, 'runs_total', runs, 'runs_done', 0, 'runs_reused', 0, 'outcomes', '{}', 'queued', 0,
  'running', 0, 'succeeded', 0, 'dead', 0, 'cancelled', 0, 'work_total', 0, 'work_done', 0, 'work_running', 0,
  'work_at_start', 0)
if first_document > 10 then
  redis.call('HSET', at, unpack(ARGV, 10, first_document - 1))
end
save_birth(id)
redis.call('HSET', key('current'), field, id)
enlist(experiment_of(id))
for i = first_document, #ARGV do
  use_document(id, 'inputs', ARGV[i])
  redis.call('SADD', key('users-of', ARGV[i]), id)
end
redis.call('ZADD', key('unfinished', numerics), now, id)
redis.call('SADD', key('numerics'), numerics)
record_job(experiment_of(id), id .. '.plan', 'plan', 'interactive', '{}', 1, 0)
return { 1, id, record_of(id), {} }
