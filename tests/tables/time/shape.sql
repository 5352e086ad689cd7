SELECT timezone, local_timezone, unix_time > 1700000000 AS now,
	datetime = iso_8601 AS same, date_time = datetime AS alias,
	strftime('%Y-%m-%dT%H:%M:%SZ', unix_time, 'unixepoch') = iso_8601 AS iso,
	printf('%04d-%02d-%02dT%02d:%02d:%02dZ', year, month, day, hour, minutes, seconds) = iso_8601 AS parts,
	timestamp LIKE substr(weekday, 1, 3) || ' ___ __ __:__:__ ' || year || ' UTC' AS stamp,
	length(timestamp) AS length FROM time;
