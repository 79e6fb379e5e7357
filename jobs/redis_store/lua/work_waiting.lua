#!lua flags=no-writes
-- How much waits in a queue for those of one numerics version. ARGV: queue, numerics version, as many at most. Answers: jobs and, where
-- people wait, requests for figures. It stops counting at that many: what it costs depends on nothing else.
local queue, numerics, most = ARGV[1], ARGV[2], tonumber(ARGV[3])
local found = 0

-- Count, in turn, what `count_in` finds of the first members of a line, until it is enough.
local function count_along(line, count_in)
  for _, member in ipairs(found < most and redis.call('ZRANGE', line, 0, most - 1) or {}) do
    if found < most then
      count_in(member)
    end
  end
end

for _, is_background in ipairs({ false, true }) do
  local turns = turns_key(queue, numerics, is_background)
  count_along(owners_key(turns), function(owner)
    count_along(of_owner(turns, owner), function(flow)
      found = found + redis.call('ZCARD', backlog_key(string.match(flow, ':(.*)') or '', queue))
    end)
  end)
end
if queue == 'interactive' then
  count_along(key('figures', numerics, 'owners'), function(owner)
    found = found + redis.call('LLEN', of_owner(key('figures', numerics), owner))
  end)
end
return math.min(found, most)
