#!lua flags=allow-oom
-- Remove a damaged run, if it is still the one that was found. ARGV: its key in hexadecimal, the summary and arrays found.
return forget_run(ARGV[1], ARGV[2], ARGV[3]) and 1 or 0
