#!lua flags=allow-oom
-- Forget a finished experiment; what it was made of and what it used is left for the janitor. ARGV: experiment id, how many
-- parts it must still be as somebody knows it in, each by name and value.
local id = ARGV[1]
if is_hopeless(id) then
  strike_off_unknown(id)
  for _, part in ipairs({ 'jobs', 'keys', 'former', 'documents', 'inputs' }) do
    discard(id, math.floor(now * 1000), part)
  end
  for _, part in ipairs({ 'spec', 'birth', 'notes', 'done', 'former-done', 'checkpoints', 'dead', 'webhook' }) do
    redis.call('UNLINK', key('experiment', id, part))
  end
  redis.call('UNLINK', experiment_key(id))
  return 1
end
local experiment = experiment_of(id)
if not experiment then
  redis.call('ZREM', key('finished'), id)
  return NOT_FOUND
elseif not is_as_known(experiment, ARGV, 2) then
  return EDITED
elseif not ending_of(experiment) then
  return redis.error_reply('STILLACTIVE an experiment is deleted once it is finished')
end
strike_off(experiment)
redis.call('ZREM', key('finished'), id)
step_down(experiment)
for _, part in ipairs({ 'jobs', 'keys', 'former', 'documents' }) do
  discard(id, experiment.generation + 1, part)
end
-- These are few, and whoever deletes an upload after this is not to wait for the janitor.
for _, document in ipairs(redis.call('SMEMBERS', key('experiment', id, 'inputs'))) do
  redis.call('SREM', key('users-of', document), id)
  stop_using_document(document)
end
for _, part in ipairs({ 'spec', 'birth', 'notes', 'inputs', 'done', 'former-done', 'checkpoints', 'dead', 'events' }) do
  redis.call('UNLINK', key('experiment', id, part))
end
untell_end(experiment)
redis.call('UNLINK', experiment.at)
return 1
