#!lua
-- Record a job that no experiment counts, unless it is queued or running. A job that has ended begins a new life.
-- ARGV: id, kind, queue, payload, work, experiment id. Answers: 1 if it was recorded.
local id, kind, queue, payload, work, experiment = unpack(ARGV)
local known = job_of(id)
if known and (known.state == 'queued' or known.state == 'running') then
  return 0
end
redis.call('UNLINK', key('job', id, 'checkpoint'))
redis.call('UNLINK', key('job', id))
-- The token goes on: a worker of the job's earlier life must not be able to write in this one.
record_job({
  id = id, at = key('job', id), kind = kind, queue = queue, experiment = experiment, state = 'queued',
  is_counted = false, number = 0, work = work, token = known and known.token or 0,
}, payload)
return 1
