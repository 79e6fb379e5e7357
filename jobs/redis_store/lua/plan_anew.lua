#!lua
-- Plan an unfinished experiment of another numerics version anew, for the caller's. ARGV: experiment id, the version that
-- it is thought to be of, the caller's. Answers: 1 if that was done.
local id, other, mine = unpack(ARGV)
local experiment = experiment_of(id)
if not experiment or experiment.numerics ~= other or ending_of(experiment) then
  return 0
end
redis.call('SADD', key('numerics'), mine)
plan_anew(id, mine)
return 1
