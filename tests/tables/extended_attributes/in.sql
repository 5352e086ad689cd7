SELECT path, key FROM extended_attributes WHERE path IN ('/srv/b', '/srv/none', '/srv/plain', 'srv/a') ORDER BY path, key;
