SELECT * FROM suid_bin;
