#!lua flags=allow-oom
-- Take one of the requests that an owner has for a minute, which begins with the first of them. ARGV: owner, how many there
-- are. Answers: 1 if one was left, how many are left, milliseconds until all of them are there again.
local owner, most = ARGV[1], tonumber(ARGV[2])
local at = key('requests', owner)
local taken, left = number_of(redis.call('GET', at), 0), redis.call('PTTL', at)
-- More than a minute lies before one that was begun on another clock.
if left < 0 or left > 60000 then
  taken, left = 0, 60000
end
if taken >= most then
  return { 0, 0, left }
end
redis.call('SET', at, taken + 1, 'PX', left)
return { 1, most - taken - 1, left }
