SELECT device, device_alias, path, type, length(flags) AS length, substr(flags, 1, 40) AS flags FROM mounts;
