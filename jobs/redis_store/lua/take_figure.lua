#!lua flags=allow-oom
-- Take a request for a figure away, by its value: what is sent again, because its answer was lost, takes no other.
-- ARGV: numerics version, owner, request.
local numerics, owner, asked = unpack(ARGV)
local figures, owners = of_owner(key('figures', numerics), owner), key('figures', numerics, 'owners')
if redis.call('LREM', figures, 1, asked) == 1 then
  local turn = number_of(redis.call('ZSCORE', owners, owner), 0)
  redis.call('SET', owners .. ':now', turn)
  redis.call('ZADD', owners, turn + 1, owner)
end
if redis.call('EXISTS', figures) == 0 then
  redis.call('ZREM', owners, owner)
end
return 1
