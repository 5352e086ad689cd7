SELECT substr(name, 1, 20) AS name, size, substr(used_by, 1, 40) AS used_by, length(used_by) AS length, status, address FROM kernel_modules;
