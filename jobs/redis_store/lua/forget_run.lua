#!lua flags=allow-oom
-- Remove a damaged run, if it is still the one that was found. ARGV: its key in hexadecimal, the page, summary and
-- arrays found.
return forget_run(unpack(ARGV, 1, 4)) and 1 or 0
