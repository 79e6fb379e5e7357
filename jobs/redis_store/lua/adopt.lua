#!lua flags=allow-oom
-- Take an empty store into use; one of another form is refused before this is reached.
redis.call('SET', key('schema'), SCHEMA, 'NX')
return 1
