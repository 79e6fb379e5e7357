#!lua flags=no-writes
-- What waits in a queue, and who serves it. ARGV: queue, longest time of a registration in seconds.
-- Answers: of each live worker the name, numerics version, idle processes, the hosts that it tells, how many processes it has and its kernel ("" where it did not say); of each numerics version that has flows: the
-- version, how many experiments wait, how many jobs (of the first hundred experiments of each owner and priority), seconds for which no job was claimed though some waited.
local queue, longest = unpack(ARGV)
-- A registration that lasts for longer than any was made on another clock.
local names = redis.call('ZRANGEBYSCORE', key('workers', queue), '(' .. string.format('%.17g', now),
  string.format('%.17g', now + longest + 1))
local workers = {}
for _, name in ipairs(names) do
  local numerics, idle, tells, processes, kernel = unpack(redis.call('HMGET', key('worker', name), 'numerics', 'idle', 'tells', 'processes', 'kernel'))
  if numerics then
    for _, value in ipairs({ name, numerics, idle, tells or '', processes or '', kernel or '' }) do
      table.insert(workers, value)
    end
  end
end
local waiting = {}
for _, numerics in ipairs(redis.call('SMEMBERS', key('numerics'))) do
  local experiments, jobs = 0, 0
  for _, is_background in ipairs({ false, true }) do
    local turns = turns_key(queue, numerics, is_background)
    for _, owner in ipairs(redis.call('ZRANGE', owners_key(turns), 0, -1)) do
      local flows = of_owner(turns, owner)
      experiments = experiments + redis.call('ZCARD', flows)
      for _, flow in ipairs(redis.call('ZRANGE', flows, 0, 99)) do
        jobs = jobs + redis.call('ZCARD', backlog_key(string.match(flow, ':(.*)') or '', queue))
      end
    end
  end
  if jobs > 0 then
    local since = number_of(redis.call('GET', turns_key(queue, numerics, false) .. ':since'), now)
    for _, value in ipairs({ numerics, experiments, jobs, now - since }) do
      table.insert(waiting, tostring(value))
    end
  end
end
return { workers, waiting }
