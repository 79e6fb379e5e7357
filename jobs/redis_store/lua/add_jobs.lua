#!lua
-- Record jobs of the claimed job's experiment, those that are not recorded yet.
-- ARGV: job id, token, lease in seconds, then for each job: id, kind, queue, payload, work.
local planning = held(ARGV[1], ARGV[2], ARGV[3])
if not planning then
  return LEASE_LOST
elseif not planning.is_counted then
  return UNCOUNTED
end
local experiment = planning.experiment
local at = experiment_key(experiment)
-- A job that comes too late for a cancel is cancelled from the start.
local state = is_cancelled(planning) and 'cancelled' or 'queued'
local added, work_added = 0, 0
for i = 4, #ARGV, 5 do
  local id, kind, queue, payload, work = unpack(ARGV, i, i + 4)
  local job = {
    id = id, at = key('job', id), kind = kind, queue = queue, experiment = experiment, state = state,
    is_counted = true, takes_turns = kind == 'train', work = work, token = 0,
  }
  if redis.call('EXISTS', job.at) == 0 then
    job.number = redis.call('RPUSH', key('experiment', experiment, 'jobs'), id)
    record_job(job, payload)
    added, work_added = added + 1, work_added + (kind == 'plan' and 0 or tonumber(work))
  end
end
redis.call('HINCRBY', at, state, added)
redis.call('HINCRBYFLOAT', at, 'work_total', work_added)
return added
