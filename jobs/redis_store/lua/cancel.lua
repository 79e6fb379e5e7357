#!lua flags=allow-oom
-- Set the cancel flag. ARGV: experiment id. Answers: its record.
local id = ARGV[1]
local experiment = experiment_of(id)
if not experiment then
  return NOT_FOUND
end
if not ending_of(experiment) then
  cancel(experiment)
end
return record_of(id)
