SELECT path FROM mounts LIMIT 1;
