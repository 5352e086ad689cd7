SELECT * FROM crontab WHERE path NOT LIKE '%alice' AND path NOT LIKE '%long';
SELECT event, minute, hex(command) AS command FROM crontab WHERE path LIKE '%alice';
SELECT minute, length(command) AS n FROM crontab WHERE path LIKE '%long';
SELECT command FROM crontab LIMIT 2;
