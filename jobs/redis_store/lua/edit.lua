#!lua
-- Give an experiment another name, other tags, or notes, or share it. ARGV: id, then each change: name, tags (as JSON),
-- notes or shared, and what it is to be. Answers: its record.
local id = ARGV[1]
local experiment = experiment_of(id)
if not experiment then
  return NOT_FOUND
end

-- Who answered for a spec under one name does so under the other, unless somebody does already.
local function rename(name)
  local field = current_field_of(experiment.at, experiment.numerics)
  redis.call('HSET', experiment.at, 'name', name)
  if redis.call('HGET', key('current'), field) == id then
    redis.call('HDEL', key('current'), field)
    redis.call('HSETNX', key('current'), current_field_of(experiment.at, experiment.numerics), id)
  end
end

strike_off(experiment)
for i = 2, #ARGV, 2 do
  local what, value = ARGV[i], ARGV[i + 1]
  if what == 'name' then
    rename(value)
  elseif what == 'tags' then
    redis.call('HSET', experiment.at, 'tags', value)
  elseif what == 'shared' then
    if value == '1' then
      redis.call('HSET', experiment.at, 'shared', '1')
    else
      redis.call('HDEL', experiment.at, 'shared')
    end
  elseif value == '' then
    redis.call('UNLINK', key('experiment', id, 'notes'))
  else
    redis.call('SET', key('experiment', id, 'notes'), value)
  end
end
enlist(experiment)
save_birth(id)
return record_of(id)
