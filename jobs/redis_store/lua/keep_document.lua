#!lua
-- Keep a document for as long as an experiment is there, in place of the one before. ARGV: experiment id, key, document.
local id, document, value = unpack(ARGV)
if not experiment_of(id) then
  return NOT_FOUND
end
use_document(id, 'documents', document)
redis.call('SET', key('document', document), value)
return 1
