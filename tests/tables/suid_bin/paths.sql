SELECT path FROM suid_bin WHERE permissions = 'SG' ORDER BY path;
