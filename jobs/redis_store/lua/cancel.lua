#!lua flags=allow-oom
-- Set the cancel flag. A waiting job of a cancelled experiment is cancelled by that alone, however many there are; those
-- that run, as many as there are processes at most, end here: whatever their workers still write is refused.
-- ARGV: experiment id. Answers: its record.
local id = ARGV[1]
local experiment = experiment_of(id)
if not experiment then
  return NOT_FOUND
end
if not ending_of(experiment) then
  redis.call('HSET', experiment.at, 'cancel', '1')
  stop_flows(experiment)
  for _, queue in ipairs(QUEUES) do
    redis.call('UNLINK', backlog_key(id, queue))
  end
  for _, job_id in ipairs(redis.call('ZRANGE', key('leases'), 0, -1)) do
    local job = job_of(job_id)
    if job and job.experiment == id and job.state == 'running' and is_current(job) then
      enter(job, 'cancelled')
    end
  end
  settle(id)
end
return record_of(id)
