SELECT name, type, default_value, value, shell_only FROM osquery_flags WHERE name IN ('read_max', 'json', 'logtostderr', 'stderrthreshold');
