SELECT count(*) AS n FROM mounts;
