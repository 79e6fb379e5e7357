#!lua flags=allow-oom
-- Take an empty store into use, or one of a former form, where all who wait stand in the lines of nobody: experiments go to those of
-- their owners. One of another form is refused before this is reached.
local function part_owners(turns)
  -- Virtual time goes on in each line, for who waits there already has been served by it.
  local last = redis.call('GET', turns .. ':now')
  for _, owner in ipairs(last and redis.call('SMEMBERS', key('owners')) or {}) do
    redis.call('SET', of_owner(turns, owner) .. ':now', last)
  end
  local flows = redis.call('ZRANGE', turns, 0, -1, 'WITHSCORES')
  for i = 1, #flows, 2 do
    -- As it stands there: whose record is damaged is found by the audit.
    local owner = call('HGET', experiment_key(string.match(flows[i], ':(.*)') or ''), 'owner') or ''
    redis.call('ZREM', turns, flows[i])
    redis.call('ZADD', of_owner(turns, owner), flows[i + 1], flows[i])
    redis.call('ZADD', owners_key(turns), 0, owner)
  end
end

-- Ends that are to be told go there too.
local function part_ends()
  local ends = redis.call('ZRANGE', key('webhooks'), 0, -1, 'WITHSCORES')
  for i = 1, #ends, 2 do
    local owner = call('HGET', experiment_key(ends[i]), 'owner') or ''
    redis.call('ZREM', key('webhooks'), ends[i])
    redis.call('ZADD', of_owner(key('webhooks'), owner), ends[i + 1], ends[i])
    redis.call('ZADD', key('webhooks', 'owners'), 0, owner)
  end
end

if schema and schema ~= SCHEMA then
  part_ends()
  for _, numerics in ipairs(redis.call('SMEMBERS', key('numerics'))) do
    if redis.call('EXISTS', key('figures', numerics)) == 1 then
      redis.call('ZADD', key('figures', numerics, 'owners'), 0, '')
    end
    for _, queue in ipairs(QUEUES) do
      part_owners(turns_key(queue, numerics, false))
      part_owners(turns_key(queue, numerics, true))
    end
  end
end
redis.call('SET', key('schema'), SCHEMA)
return 1
