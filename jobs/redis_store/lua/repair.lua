#!lua flags=allow-oom
-- Plan an experiment anew that was found damaged: its record, one of its jobs, or what is counted beside them. One that is
-- cancelled stays so, with what it has stored.
-- ARGV: experiment id, mark of the generation in which that was found. Answers: 1; or 0 where even its second record is
-- damaged: then it is left to be told of.
local id, mark = unpack(ARGV)
local at = experiment_key(id)
if generation_mark(id) ~= mark then
  return 1
end
end_leases(id)
for _, version in ipairs(redis.call('SMEMBERS', key('numerics'))) do
  redis.call('ZREM', key('unfinished', version), id)
  for _, queue in ipairs(QUEUES) do
    for _, is_background in ipairs({ false, true }) do
      local turns = turns_key(queue, version, is_background)
      for _, owner in ipairs(redis.call('ZRANGE', owners_key(turns), 0, -1)) do
        for _, flow in ipairs(redis.call('ZRANGE', of_owner(turns, owner), 0, -1)) do
          if string.match(flow, ':(.*)') == id then
            stop_flow(turns, queue, owner, flow)
          end
        end
      end
    end
  end
end
-- A generation that no job has been of, whatever the damaged one was.
local generation = math.floor(now * 1000)
if redis.call('EXISTS', at) == 0 or is_hopeless(id) then
  redis.call('ZREM', key('finished'), id)
  for _, field in ipairs(redis.call('HKEYS', key('current'))) do
    if redis.call('HGET', key('current'), field) == id then
      redis.call('HDEL', key('current'), field)
    end
  end
  return redis.call('EXISTS', at) == 0 and 1 or 0
end

if is_sound(at) then
  save_birth(id)
end
local birth = birth_of(id)
redis.call('UNLINK', at)
for i, field in ipairs(BIRTH) do
  if birth[i] then
    redis.call('HSET', at, field, birth[i])
  end
end
count_anew(id, generation, 'cancelled', redis.call('BITCOUNT', key('experiment', id, 'done')))
local experiment = experiment_of(id)
enlist(experiment)
redis.call('SADD', key('numerics'), experiment.numerics)
if experiment.is_cancelled then
  cancel(experiment)
else
  plan_anew(id, experiment.numerics)
end
return 1
