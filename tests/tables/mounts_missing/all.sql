SELECT * FROM mounts;
