SELECT pid, fd, mode, CASE type WHEN 'named' THEN 0 ELSE inode END AS inode, type, partner_pid, partner_fd, partner_mode FROM process_open_pipes ORDER BY inode, pid, fd, partner_pid;
SELECT count(*) FROM process_open_pipes WHERE pid = 7;
