#!lua
-- Ask for a figure, unless somebody has not long ago. Owners take turns: who has not asked for any comes in the next round.
-- ARGV: numerics version, owner, request, name of the guard, milliseconds that it stays, a name of the wish; the same wish again
-- changes nothing. Answers: 1 if it is asked for by this wish.
local numerics, owner, asked, guard, stays, wish = unpack(ARGV)
local by, owners = redis.call('GET', key('asked', guard)), key('figures', numerics, 'owners')
if by and redis.call('PTTL', key('asked', guard)) > tonumber(stays) then
  -- It stays for longer than any: it was set on another clock.
  by = nil
end
if not by then
  redis.call('RPUSH', of_owner(key('figures', numerics), owner), asked)
  redis.call('ZADD', owners, 'NX', 1 + number_of(redis.call('GET', owners .. ':now'), 0), owner)
  redis.call('SET', key('asked', guard), wish, 'PX', stays)
end
return (not by or by == wish) and 1 or 0
