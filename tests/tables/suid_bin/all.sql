SELECT * FROM suid_bin ORDER BY path;
