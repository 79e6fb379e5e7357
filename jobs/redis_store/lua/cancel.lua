#!lua flags=allow-oom
-- Set the cancel flag. ARGV: experiment id, how many parts it must still be as somebody knows it in, each by name and value.
-- One that is cancelled is as it was wished to be: perhaps the reply was lost. Answers: its record.
local id = ARGV[1]
local experiment = experiment_of(id)
if not experiment then
  return NOT_FOUND
end
if not experiment.is_cancelled and not is_as_known(experiment, ARGV, 2) then
  return EDITED
end
if not ending_of(experiment) then
  cancel(experiment)
end
return record_of(id)
