#!lua flags=allow-oom
-- Set the cancel flag. A waiting job of a cancelled experiment is cancelled by that alone, however many there are.
-- ARGV: experiment id. Answers: its record.
local id = ARGV[1]
local experiment = experiment_of(id)
if not experiment then
  return NOT_FOUND
end
if not ending_of(experiment) and not experiment.is_cancelled then
  redis.call('HSET', experiment.at, 'cancel', '1')
  stop_flows(experiment)
  for _, queue in ipairs(QUEUES) do
    redis.call('UNLINK', backlog_key(id, queue))
  end
  settle(id)
end
return record_of(id)
