SELECT * FROM sudoers;
SELECT header FROM sudoers LIMIT 2;
