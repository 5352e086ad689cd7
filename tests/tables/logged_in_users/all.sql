SELECT type, user, hex(tty) AS tty, host, time, pid FROM logged_in_users;
SELECT user, tty FROM logged_in_users WHERE type = 'user' AND pid = 1234;
