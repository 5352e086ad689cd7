SELECT * FROM groups;
SELECT groupname FROM groups WHERE gid IN (50, 4, 7);
SELECT gid FROM groups WHERE groupname = 'staff';
