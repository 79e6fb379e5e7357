#!lua
-- Give an experiment another name, other tags, or notes, or share it. ARGV: id, most tags, how many fields it must still be
-- as somebody knew it in, each by its name (name, tags or notes) and value; then each change by what (name, tags,
-- remove_tags, add_tags, notes or shared) and value. Tags are JSON. Answers: its record.
local id, most_tags, expected = ARGV[1], ARGV[2], tonumber(ARGV[3])
local experiment = experiment_of(id)
if not experiment then
  return NOT_FOUND
end

local changes = {}
for i = 4 + 2 * expected, #ARGV, 2 do
  changes[ARGV[i]] = ARGV[i + 1]
end

-- The tags as they are to be.
local function new_tags()
  local tags, removed = {}, {}
  for _, tag in ipairs(cjson.decode(changes.remove_tags or '[]')) do
    removed[tag] = true
  end
  for _, tag in ipairs(cjson.decode(changes.tags or redis.call('HGET', experiment.at, 'tags'))) do
    if not removed[tag] then
      table.insert(tags, tag)
    end
  end
  add_tags(tags, cjson.decode(changes.add_tags or '[]'))
  return tags
end

local tags = new_tags()
changes.tags = #tags > 0 and cjson.encode(tags) or '[]'

-- The same edit again: the reply was lost.
local function is_done()
  for _, what in ipairs({ 'name', 'tags', 'notes', 'shared' }) do
    if changes[what] and not is_there(experiment, what, changes[what]) then
      return false
    end
  end
  return true
end

if not is_as_known(experiment, ARGV, 3) and not is_done() then
  return EDITED
end
if changes.add_tags and #tags > tonumber(most_tags) then
  return too_many_tags(most_tags)
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
if changes.name then
  rename(changes.name)
end
redis.call('HSET', experiment.at, 'tags', changes.tags)
if changes.notes == '' then
  redis.call('UNLINK', key('experiment', id, 'notes'))
elseif changes.notes then
  redis.call('SET', key('experiment', id, 'notes'), changes.notes)
end
if changes.shared == '1' then
  redis.call('HSET', experiment.at, 'shared', '1')
elseif changes.shared then
  redis.call('HDEL', experiment.at, 'shared')
end
enlist(experiment)
save_birth(id)
return record_of(id)
