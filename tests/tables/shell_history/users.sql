SELECT uid, time, hex(command) AS command, history_file FROM shell_history WHERE uid = 1000 AND (command NOT GLOB '[ -~]*' OR hex(command) LIKE '%FF%' OR hex(command) LIKE '%00%');
SELECT * FROM shell_history WHERE uid = 1000 AND hex(command) NOT LIKE '%FF%' AND hex(command) NOT LIKE '6E756C00%';
SELECT uid, time, hex(command) AS hex FROM shell_history WHERE uid = 1001 AND hex(command) IN ('83', '6563686F20E2809C78');
SELECT uid, time, command FROM shell_history WHERE uid = 1001 AND hex(command) <> '83';
SELECT uid, count(*) AS n FROM shell_history WHERE uid IN (1000, 1001, 1002, 1003, 1004, 4242, -1, 4294967296) GROUP BY uid;
SELECT username, count(*) AS n FROM users JOIN shell_history USING (uid) GROUP BY username;
SELECT time, length(command) AS n, history_file FROM shell_history WHERE uid = 0;
SELECT command FROM shell_history WHERE uid = 1000 LIMIT 1;
