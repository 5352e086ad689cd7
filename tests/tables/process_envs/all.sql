SELECT pid, key, length(value) AS length, substr(value, 1, 20) AS value FROM process_envs ORDER BY pid, key;
