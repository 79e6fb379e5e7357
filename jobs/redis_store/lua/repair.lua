#!lua flags=allow-oom
-- Plan an experiment anew that was found damaged: its record, one of its jobs, or what is counted beside them.
-- ARGV: experiment id, the generation in which that was found, numerics version of who asks.
-- Answers: 1; or 0 where even its second record is damaged: then it is left to be told of.
local id, generation, numerics = unpack(ARGV)
local at = experiment_key(id)
if (call('HGET', at, 'generation') or '') ~= generation then
  return 1
end
end_leases(id)
for _, version in ipairs(redis.call('SMEMBERS', key('numerics'))) do
  redis.call('ZREM', key('unfinished', version), id)
  for _, queue in ipairs(QUEUES) do
    for _, is_background in ipairs({ false, true }) do
      local flows = flows_key(queue, version, is_background)
      for _, flow in ipairs(redis.call('ZRANGE', flows, 0, -1)) do
        if string.match(flow, ':(.*)') == id then
          redis.call('ZREM', flows, flow)
        end
      end
    end
  end
end
if redis.call('EXISTS', at) == 0 then
  return 1
end

if is_sound(at) then
  save_birth(id)
  numerics = redis.call('HGET', at, 'numerics')
end
local birth, is_cancelled = birth_of(id), call('HGET', at, 'cancel') == '1'
if not birth then
  for _, field in ipairs(redis.call('HKEYS', key('current'))) do
    if redis.call('HGET', key('current'), field) == id then
      redis.call('HDEL', key('current'), field)
    end
  end
  return 0
end
redis.call('UNLINK', at)
-- A generation that no job has been of, whatever the damaged one was.
redis.call('HSET', at, 'generation', math.floor(now * 1000), 'numerics', numerics)
for i, field in ipairs(BIRTH) do
  if birth[i] then
    redis.call('HSET', at, field, birth[i])
  end
end
redis.call('SADD', key('numerics'), numerics)
plan_anew(id, numerics)
enlist(experiment_of(id))
if is_cancelled then
  cancel(experiment_of(id))
end
return 1
