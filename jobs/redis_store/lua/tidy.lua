#!lua flags=allow-oom
-- One round of the janitor, if the caller is it or takes the place of one that is gone: attempts whose lease has run out
-- end. ARGV: caller, seconds between rounds, lease in seconds, most attempts, most leases to look at, the server's time at
-- the caller's last round or nothing, seconds that the caller has spent since then while the server was not away.
-- Answers: whether the caller is the janitor, the server's time, seconds by which leases were moved, and for each attempt
-- that was lost: the job's id, experiment, attempt, losses, state.
local me, period, lease_seconds, max_attempts, most, before, elapsed = unpack(ARGV)
local at = key('janitor')
local holder, stays_until = unpack(redis.call('HMGET', at, 'holder', 'until'))
local longest = 3 * tonumber(period)
-- A place that is held for longer than anybody takes it was taken on another clock.
stays_until = number_of(stays_until, 0)
if holder and holder ~= me and now < stays_until and stays_until <= now + longest then
  return { 0, string.format('%.6f', now), '0' }
end
redis.call('HSET', at, 'holder', me, 'until', now + longest)
-- Who has just come does not know for how long nobody could renew a lease: it ends nothing in its first round.
if before == '' and holder ~= me then
  return { 1, string.format('%.6f', now), '0' }
end

-- Time in which nobody could renew a lease does not count against it: the server was away, or its clock was set. Less than
-- the third of a lease by which heartbeats may be late is the link. It is made up for once, however often the caller asks.
local jump = before == '' and 0 or now - tonumber(before) - tonumber(elapsed)
if math.abs(jump) > tonumber(lease_seconds) / 3 and redis.call('HGET', at, 'made_up_for') ~= before then
  redis.call('HSET', at, 'made_up_for', before)
  for _, id in ipairs(redis.call('ZRANGE', key('leases'), 0, -1)) do
    redis.call('ZINCRBY', key('leases'), jump, id)
  end
  for _, numerics in ipairs(redis.call('SMEMBERS', key('numerics'))) do
    for _, queue in ipairs(QUEUES) do
      local at = turns_key(queue, numerics, false) .. ':since'
      local since = number_of(redis.call('GET', at))
      if since then
        redis.call('SET', at, string.format('%.17g', since + jump))
      end
    end
  end
else
  jump = 0
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('leases'), now + lease_seconds + 1, '+inf')) do
  redis.call('ZADD', key('leases'), now + lease_seconds, id)
end

local lost = { 1, string.format('%.6f', now), tostring(jump) }
for _, id in ipairs(redis.call('ZRANGEBYSCORE', key('leases'), '-inf', now, 'LIMIT', 0, most)) do
  local job = job_of(id)
  if job and job.state == 'running' and is_current(job) then
    -- A claim of which nobody was ever heard is one whose reply was lost: nobody had it.
    if job.is_heard then
      job.losses = job.losses + 1
      redis.call('HSET', job.at, 'losses', job.losses)
    end
    end_attempt(job, after_attempt(job, tonumber(max_attempts)))
    for _, value in ipairs({ id, job.experiment, redis.call('HGET', job.at, 'attempt'), job.losses, job.state }) do
      table.insert(lost, value)
    end
  else
    redis.call('ZREM', key('leases'), id)
  end
end
return lost
