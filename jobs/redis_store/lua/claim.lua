#!lua flags=allow-oom
-- QUEUED -> RUNNING. ARGV: id of the job that the message names, worker, id of this request, lease in seconds.
-- Answers: the token and the fields of the job that was claimed, its id before them; or nothing.
local id, worker, request, lease_seconds = unpack(ARGV)

-- What this message gives a claim to: of training jobs the one whose turn it is, of others the one that it names.
local function claimable(named)
  local is_held_back = named.is_counted and redis.call('HGET', experiment_key(named.experiment), 'status') == 'failed'
  if is_held_back and named.state == 'queued' then
    -- What is left of a failed experiment waits, unannounced, for somebody to retry it.
    redis.call('ZREM', key('queued', named.queue), id)
  end
  if named.takes_turns then
    local turn = whose_turn(named.queue)
    return turn and job_of(turn)
  end
  return named.state == 'queued' and not is_held_back and named
end

local named = job_of(id)
if not named then
  return false
end
local answered = redis.call('GET', key('claim', request))
local job = answered and job_of(answered) or named
-- The same request again: its reply was lost, and without this its job would wait for the lease to run out.
local is_repeated = job.state == 'running' and job.claim_id == request
if not is_repeated then
  job = claimable(named)
  if not job then
    return false
  end
  redis.call('HINCRBY', job.at, 'token', 1)
  redis.call('HINCRBY', job.at, 'attempt', 1)
  redis.call('HSET', job.at, 'worker', worker, 'claim_id', request)
  redis.call('HDEL', job.at, 'ended_by')
  enter(job, 'running')
  if job.takes_turns then
    -- For as long as the job is this request's, whoever asks again finds it.
    redis.call('SET', key('claim', request), job.id, 'PX', math.ceil(lease_seconds * 1000))
  end
end
redis.call('ZADD', key('leases'), now + lease_seconds, job.id)
return { job.id, tonumber(redis.call('HGET', job.at, 'token')), redis.call('HGETALL', job.at) }
