#!lua flags=allow-oom
-- Keep what a request was answered, or that it is being answered. ARGV: name of its key, what is kept, milliseconds, 1 if
-- only where nothing is kept. Answers: what is kept from now on.
local name, value, milliseconds, is_first = unpack(ARGV)
local at = key('answer', name)
local kept = is_first == '1' and redis.call('GET', at)
if kept then
  return kept
end
redis.call('SET', at, value, 'PX', milliseconds)
return value
