SELECT * FROM shadow WHERE username NOT LIKE 'bytes%';
SELECT hex(username) AS username, flag FROM shadow WHERE username LIKE 'bytes%';
SELECT username, hash_alg FROM shadow WHERE username IN ('alice', 'bob', 'zoe');
SELECT username FROM shadow LIMIT 2;
