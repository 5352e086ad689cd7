SELECT pid, parent, pgroup, name, state, uid, euid, suid, gid, egid, sgid, threads, nice, start_time FROM processes ORDER BY pid;
