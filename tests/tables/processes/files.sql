SELECT pid, path, on_disk, cwd, root, length(cmdline) AS n, substr(cmdline, 1, 20) AS cmdline, cgroup_path FROM processes ORDER BY pid;
