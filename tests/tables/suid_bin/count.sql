SELECT count(*) AS n FROM suid_bin;
