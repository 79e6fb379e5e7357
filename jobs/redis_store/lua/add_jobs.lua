#!lua
-- Record training jobs of the claimed job's experiment, those that are not recorded yet.
-- ARGV: job id, token, lease in seconds, then for each job: id, queue, payload, work, rank.
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
local experiment = experiment_of(job.experiment)
for i = 4, #ARGV, 5 do
  local id, queue, payload, work, rank = unpack(ARGV, i, i + 4)
  if redis.call('EXISTS', key('job', id)) == 0 then
    record_job(experiment, id, 'train', queue, payload, work, tonumber(rank))
  end
end
return 1
