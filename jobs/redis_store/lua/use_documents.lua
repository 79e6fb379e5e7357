#!lua
-- Documents that an experiment uses are kept for as long as it is there. ARGV: job id, token, lease in seconds, document...
local job = held(ARGV[1], ARGV[2], ARGV[3])
if not job then
  return LEASE_LOST
end
for i = 4, #ARGV do
  use_document(job.experiment, 'documents', ARGV[i])
end
return 1
